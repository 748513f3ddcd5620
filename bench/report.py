"""The output: one line for each target, and below it the numbers that it was calculated from."""

from bench.context import BASELINE, CONFAB
from bench.measure import Rounds

MIN_OF_BASELINE = 0.95
"""The minimum rate of a workload, relative to the same workload of the baseline."""

missed: list[str] = []


def verdict(name: str, value: float, target: float, *, at_least: bool, unit: str = "", spread=None) -> None:
    """Print a result, its target, and whether the result meets it."""
    met = value >= target if at_least else value <= target
    if not met:
        missed.append(name)
    measured = f"{_number(value)}{unit}"
    if spread:
        measured += f" [{_number(spread[0])}..{_number(spread[1])}]"
    limit = f"{'>=' if at_least else '<='} {target:.3g}{unit}"
    print(f"{name:<34} {measured:<24} target {limit:<14} {'ok' if met else 'MISS'}", flush=True)


def ratio(name: str, rounds: Rounds, above: str, below: str, target: float, **options) -> None:
    """Print the verdict on *above* / *below*. They are rates, unless `field` names another value."""
    at_least = options.pop("at_least", True)
    if not {above, below} <= set(rounds.rounds[0]):
        print(f"{name:<34} not measured", flush=True)
        return
    median, *spread = rounds.ratio(above, below, **options)
    verdict(name, median, target, at_least=at_least, spread=spread)


def against_baseline(name: str, rounds: Rounds, field: str = "rate", suffix: str = "") -> None:
    """Print the verdict on Confab / the baseline checkout, if there is one. No workload may become slower.

    *suffix* ends the names of both arms.
    """
    if BASELINE in rounds.rounds[0]:
        at_least = field == "rate"
        target = MIN_OF_BASELINE if at_least else 1 / MIN_OF_BASELINE
        ratio(f"{name} : baseline", rounds, CONFAB + suffix, BASELINE + suffix, target, at_least=at_least, field=field)


def details(rounds: Rounds) -> None:
    for arm in rounds.rounds[0]:
        rate, p50, p99 = (rounds.median(arm, field) for field in ("rate", "p50", "p99"))
        detail(f"{arm}: {rate:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    for note in rounds.notes():
        detail(f"note: {note}")


def detail(text: str) -> None:
    print(f"    {text}", flush=True)


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 2 else f"{value:,.1f}"
