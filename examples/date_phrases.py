"""Dates as people write them, for `translate_dates.py`: "Mon 23rd Nov 2026" or "23
novembre 2026", each with the one day that it means.

Every phrase means one day and no other: the order of day and month is that of a
language that has only one (23.11.2026), or the month is a word.
"""

from __future__ import annotations

import os
import random
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

FIRST, LAST = date(1950, 1, 1), date(2049, 12, 31)


@dataclass(frozen=True)
class Language:
    """The words of a language, and its forms.

    Attributes:
        months, weekdays: their names, from January and from Monday.
        forms: with {d} for the day, {nth} with its ending, {dd} and {mm} in two digits,
            {m} for the month's number, {month} and {mon} for its name and its short
            name, {y} for the year, {day} and {wd} for the weekday's.
        short: how many letters a short name has.
    """

    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    forms: tuple[str, ...]
    short: int = 3


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


LANGUAGES = {
    "English": Language(
        words(
            "January February March April May June July August September October "
            "November December"
        ),
        words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
        (
            "{d} {month} {y}",
            "{month} {d}, {y}",
            "{mon} {nth}, {y}",
            "{wd} {nth} {mon} {y}",
            "{day}, {month} {d}, {y}",
            "the {nth} of {month} {y}",
            "{dd}-{mon}-{y}",
        ),
    ),
    "French": Language(
        words(
            "janvier février mars avril mai juin juillet août septembre octobre "
            "novembre décembre"
        ),
        words("lundi mardi mercredi jeudi vendredi samedi dimanche"),
        ("{d} {month} {y}", "le {d} {month} {y}", "{day} {d} {month} {y}"),
    ),
    "German": Language(
        words(
            "Januar Februar März April Mai Juni Juli August September Oktober "
            "November Dezember"
        ),
        words("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
        ("{d}. {month} {y}", "{day}, {d}. {month} {y}", "{dd}.{mm}.{y}", "{d}.{m}.{y}"),
    ),
    "Spanish": Language(
        words(
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre "
            "noviembre diciembre"
        ),
        words("lunes martes miércoles jueves viernes sábado domingo"),
        ("{d} de {month} de {y}", "{day}, {d} de {month} de {y}"),
    ),
    "Italian": Language(
        words(
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre "
            "ottobre novembre dicembre"
        ),
        words("lunedì martedì mercoledì giovedì venerdì sabato domenica"),
        ("{d} {month} {y}", "{day} {d} {month} {y}"),
    ),
}


def phrase(day: date, language: str, form: int) -> str:
    """A day in one of a language's forms.

    >>> phrase(date(2026, 11, 23), "English", 3), phrase(date(1998, 8, 3), "French", 0)
    ('Mon 23rd Nov 2026', '3 août 1998')
    """
    own = LANGUAGES[language]
    month, weekday = own.months[day.month - 1], own.weekdays[day.weekday()]
    return own.forms[form].format(
        d=day.day,
        dd=f"{day.day:02}",
        nth=ordinal(day.day),
        m=day.month,
        mm=f"{day.month:02}",
        month=month,
        mon=month[: own.short],
        y=day.year,
        day=weekday,
        wd=weekday[: own.short],
    )


def ordinal(n: int) -> str:
    """A number with its English ending.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 31)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '31st']
    """
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{n}{'th' if n // 10 == 1 else endings.get(n % 10, 'th')}"


def random_day(source: random.Random) -> date:
    """A day between FIRST and LAST, all equally likely."""
    return FIRST + timedelta(days=source.randrange((LAST - FIRST).days + 1))


def random_phrase(day: date, source: random.Random) -> str:
    """A day in a language and a form, chosen at random."""
    language = source.choice(list(LANGUAGES))
    return phrase(day, language, source.randrange(len(LANGUAGES[language].forms)))


def alphabet() -> str:
    """Every character that a phrase can have, in order.

    >>> len(alphabet()), max(len(p) for p in every_form(date(2026, 9, 23)))
    (53, 35)
    """
    seen = set("0123456789")
    for own in LANGUAGES.values():
        for text in (*own.months, *own.weekdays, *own.forms):
            seen |= set(text)
    return "".join(sorted(seen - set("{}_") | set("stndrh")))


def every_form(day: date) -> list[str]:
    """A day in all languages and forms."""
    return [
        phrase(day, language, i)
        for language, own in LANGUAGES.items()
        for i in range(len(own.forms))
    ]


def understood(text: str) -> tuple[str, date] | None:
    """The phrase that a text is, as it was learned, and its day; None if it is none.

    Accents may be written in another Unicode form, and letters large or small.

    >>> understood("3  AOU\u0302T 1998")
    ('3 août 1998', datetime.date(1998, 8, 3))
    >>> understood("31 June 1998"), understood("hello")
    (None, None)
    """
    wanted = _folded(text)
    for year in map(int, set(re.findall(r"\d{4}", wanted, re.A))):
        if FIRST.year <= year <= LAST.year:
            day = date(year, 1, 1)
            while day.year == year and day <= LAST:
                for found in every_form(day):
                    if _folded(found) == wanted:
                        return found, day
                day += timedelta(days=1)
    return None


def _folded(text: str) -> str:
    """What two ways to write the same words have in common."""
    if any("\udc80" <= c <= "\udcff" for c in text):  # UTF-8, in a locale without it
        text = os.fsencode(text).decode("utf-8", "replace")
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
