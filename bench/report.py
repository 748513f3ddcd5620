"""How results are printed: one line for each target, the numbers it was made from beneath."""

from bench.context import BASELINE, CONFAB
from bench.measure import Rounds

MIN_OF_BASELINE = 0.95
"""How fast a workload has to be at least, measured by the same one of the baseline."""

missed: list[str] = []


def verdict(name: str, value: float, target: float, *, at_least: bool, unit: str = "", spread=None) -> None:
    """A result beside its target, and whether it meets it."""
    met = value >= target if at_least else value <= target
    if not met:
        missed.append(name)
    measured = f"{_number(value)}{unit}"
    if spread:
        measured += f" [{_number(spread[0])}..{_number(spread[1])}]"
    wanted = f"{'>=' if at_least else '<='} {target:.3g}{unit}"
    print(f"{name:<34} {measured:<24} target {wanted:<14} {'ok' if met else 'MISS'}", flush=True)


def ratio(name: str, rounds: Rounds, above: str, below: str, target: float, **options) -> None:
    """The verdict on *above* / *below*, rates unless `field` names something else."""
    at_least = options.pop("at_least", True)
    if not {above, below} <= set(rounds.rounds[0]):
        print(f"{name:<34} not measured", flush=True)
        return
    median, *spread = rounds.ratio(above, below, **options)
    verdict(name, median, target, at_least=at_least, spread=spread)


def against_baseline(name: str, rounds: Rounds, field: str = "rate") -> None:
    """The verdict on Confab / the baseline checkout, where one was measured: no workload may become slower."""
    if BASELINE in rounds.rounds[0]:
        at_least = field == "rate"
        target = MIN_OF_BASELINE if at_least else 1 / MIN_OF_BASELINE
        ratio(f"{name} : baseline", rounds, CONFAB, BASELINE, target, at_least=at_least, field=field)


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
