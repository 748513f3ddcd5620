"""From the days of the scripts to real times that end now."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from demo.script import LAST_MINUTE

EVENING = 18 * 60 + 30
"""What is said later than this minute on a Friday is said on the weekend."""

JUST_NOW = timedelta(seconds=90)
MORNING = time(8)
SATURDAY = 5


class Calendar:
    """Working days, counted back from today, in the time zone of this machine. Later in a script is later in real time.

    *today* has the first and the last minute of the scripts' last day, which is fitted into the hours before *now*: its last
    message is a minute and a half old. *yesterday* is the last minute of the day before.
    """

    def __init__(self, now: datetime, today: tuple[float, float], yesterday: float):
        self._now = now.astimezone()
        self._first, self._last = today
        self._end = self._now - JUST_NOW
        start = self._end - timedelta(minutes=self._last - self._first)
        morning = datetime.combine(self._now.date(), MORNING).astimezone()
        if morning < self._end - timedelta(minutes=30):
            start = max(start, morning)
        self._start = max(start, min(self.at(1, yesterday) + timedelta(minutes=10), self._end - timedelta(minutes=1)))

    def at(self, day: int, minute: float) -> datetime:
        """The time of *minute* (from midnight) on working day *day* before today."""
        if day == 0:
            share = (minute - self._first) / max(self._last - self._first, 1)
            return self._start + share * (self._end - self._start)
        on = self._date(day)
        is_long_friday = on.weekday() == SATURDAY - 1 and (self._now.date() - on).days > 2
        if is_long_friday and minute > EVENING:
            days, share = divmod((minute - EVENING) / (LAST_MINUTE - EVENING) * 2, 1)
            ten = datetime.combine(on + timedelta(days=1 + days), time(10)).astimezone()
            return ten + share * timedelta(hours=10)
        return (datetime.combine(on, time()) + timedelta(minutes=minute)).astimezone()

    def _date(self, day: int) -> date:
        """The date of working day *day*: five of them are a week."""
        friday = min(self._now.weekday(), SATURDAY)  # on a weekend, Friday is working day 1
        weeks, days = divmod(day - friday + 4, 5)
        monday = self._now.date() - timedelta(days=self._now.weekday())
        return monday - timedelta(days=7 * weeks - 4 + days)
