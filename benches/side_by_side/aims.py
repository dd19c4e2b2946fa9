"""What is aimed at, held against what came out."""

import re

import peers
import rows

#: What each program costs among many may be this much more than among few: noise, not growth.
NOISE = 1.1


class Aims:
    """Aims and what came out, line by line; what was not measured is no line."""

    def __init__(self, found):
        self.found = found
        self.told = []

    def of(self, what, who="ours", pick=rows.median):
        """The median of what was measured of somebody, if it was; or what else is picked of it."""
        for numbers in self.found.values():
            for (said, _), by_whom in numbers.all.items():
                if said == what and by_whom.get(who):
                    return pick(by_whom[who])
        return None

    def others(self, what):
        """Whoever else was measured."""
        for numbers in self.found.values():
            for (said, _), by_whom in numbers.all.items():
                if said == what:
                    return [who for who in by_whom if not who.startswith(("ours", "C "))]
        return []

    def hold(self, what, value, bound, at_most=True, unit=""):
        if value is None:
            return
        met = value <= bound if at_most else value >= bound
        sign = "≤" if at_most else "≥"
        self.told.append(f"| {what} | {sign} {bound:g}{unit} | {number(value)}{unit} | "
                         f"{'met' if met else '**short**'} |")

    def most(self, what, bound, unit=""):
        self.hold(what, self.of(what), bound, unit=unit)

    def ratio(self, what, whom, bound, at_most=True):
        """Ours to theirs, or theirs to ours where more is better."""
        ours, theirs = self.of(what), self.of(what, whom)
        if ours is not None and theirs:
            self.hold(f"{what}: ours / {whom}", ours / theirs, bound, at_most)

    def below(self, what, whom):
        """Less than theirs, however much."""
        ours, theirs = self.of(what), self.of(what, whom)
        if ours is not None and theirs:
            met = "met" if ours < theirs else "**short**"
            self.told.append(f"| {what}: ours / {whom} | < 1 | {number(ours / theirs)} | {met} |")


def lines(found, quoted):
    """The section of the table: a line for each aim of which both sides were measured. `quoted` has
    the words of those who measure by themselves, and the code with which each ended."""
    aims = Aims(found)
    start_and_stop(aims)
    rest(aims)
    questions(aims)
    growth(aims)
    for name, (words, code) in quoted.items():
        if name == "logs":
            logs(aims, words)
        elif name == "events":
            events(aims, words)
        elif name == "soak":
            aims.told.append("| soak: what is left | nothing | "
                             f"{'nothing' if code == 0 else 'something'} | "
                             f"{'met' if code == 0 else '**short**'} |")
    if not aims.told:
        return []
    short = sum("short" in line for line in aims.told)
    return ["", f"## aims: {len(aims.told) - short} met, {short} short", "",
            "| what | aim | came out | |", "| --- | ---: | ---: | --- |", *aims.told]


def start_and_stop(aims):
    aims.ratio("start of 1000", "C floor", 1.3)
    for whom in aims.others("start of 1000"):
        aims.below("start of 1000", whom)
    aims.ratio("stop of 1000", "C floor", 1.5)


def rest(aims):
    aims.most("memory, idle", 4096, " KiB")
    aims.most("memory, each program", 4, " KiB")
    for whom in aims.others("memory, each program"):
        aims.below("memory, each program", whom)
    aims.most("wake-ups, idle", 0, "/s")
    aims.most("CPU, idle", 0, " ms/s")
    aims.ratio("death to restart", "C floor", 2)
    aims.ratio("200 deaths at once to all back", "C floor", 1.5)
    aims.most("supervisorctl status of 100", 10, " ms")
    for name in ("supervisord", "supervisorctl"):
        aims.most(f"binary {name}", 4096, " KiB")


def questions(aims):
    original, constant = peers.Original.name, "C constant"
    for _, numbers in aims.found.items():
        for (what, unit) in list(numbers.all):
            if not what.startswith("supervisor."):
                continue
            programs = int(what.split(" of ")[1].split(",")[0])
            is_long = "getAll" in what
            least = ({100: 50, 1000: 300} if is_long else {10: 5, 1000: 10}).get(programs)
            if unit == "calls/s" and least:
                ours, theirs = aims.of(what), aims.of(what, original)
                if ours and theirs:
                    aims.hold(f"{what}, calls/s: ours / {original}", ours / theirs, least, False)
            elif what.endswith("1 connection: latency"):
                aims.ratio(what, constant, 3 if is_long else 2)


def growth(aims):
    """A program among many costs what it does among few, or grows no more than plain C does: the
    rest is the kernel's. Of each the least counts: what disturbs only adds, and who is measured with
    whom here is minutes apart."""
    few, *_, many, most = rows.GROWTH
    for what in ("start, each of {}", "CPU for the start, each of {}", "stop, each of {}",
                 "memory with the idle part, each of {}", "getAllProcessInfo, each of {}",
                 "supervisorctl status, each of {}", "death to restart, one of {}",
                 "getState with {}", "getProcessInfo with {}"):
        for fewer in few, many:
            ours = grown(aims, what, fewer, most, "ours")
            floor = grown(aims, what, fewer, most, "C floor") if "memory" not in what else None
            aims.hold(f"{what.format(most)} / {fewer}", ours, round(max(NOISE, floor or 0), 2))


def logs(aims, words):
    """As the log issue has it: what `benches/logs` prints, in tables that have titles."""
    tables, title, columns = {}, None, []
    for line in words.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("### "):
            title, columns = line[4:].split(",")[0], []
        elif line.startswith("|") and not columns:
            columns = cells[1:]
        elif line.startswith("|") and "---" not in line:
            tables.setdefault(title, {})[cells[0]] = dict(zip(columns, map(float, cells[1:])))
    for size, share in ("64 B", 0.2), ("1 KiB", 2 / 3), ("64 KiB", 1):
        spent = tables.get("CPU of the reader", {}).get(size, {})
        if "original" in spent:
            aims.hold(f"log of {size} writes, CPU: ours / original",
                      spent["ours"] / spent["original"], round(share, 3))
        rate = tables.get("Throughput", {}).get(size, {})
        floor = max((rate[who] for who in ("cat", "C loop") if who in rate), default=None)
        if floor:
            aims.hold(f"log of {size} writes, throughput: ours / the better of cat and C",
                      rate["ours"] / floor, 0.9, at_most=False)
    for title, column, what, unit, bound in (
        ("50 programs", "CPU of the daemon, % of one core", "log of 50 programs, CPU", None, 0.333),
        ("A quiet pipe", "KiB for each", "a quiet pipe", " KiB", 2),
        ("`getState` while a program floods its log", "99th percentile",
         "getState in a flood, 99 of 100", " ms", 5),
    ):
        figures = {who: row[column] for who, row in tables.get(title, {}).items()}
        if unit:
            aims.hold(what, figures.get("ours"), bound, unit=unit)
        elif "original" in figures:
            aims.hold(f"{what}: ours / original", figures["ours"] / figures["original"], bound)


def events(aims, words):
    """As the event issue has it: what `benches/events.rs` prints."""
    who = ""
    for line in words.splitlines():
        named = re.match(r"(\S.*?), (ours|original) ", line)
        who = named[1] if named else who
        pingpong = re.match(r"\s+([\d.]+) of the ping-pong", line)
        if pingpong and who == "one listener":
            aims.hold(f"events, {who}: ours / ping-pong", float(pingpong[1]), 0.7, at_most=False)
        times = re.match(r"\s+([\d.]+) times the rate at ([\d.]+) of the cost", line)
        if times:
            aims.hold(f"events, {who}, rate: ours / original", float(times[1]), 2, at_most=False)
            aims.hold(f"events, {who}, CPU: ours / original", float(times[2]), 0.333)


def grown(aims, what, few, many, who):
    first, last = (aims.of(what.format(programs), who, min) for programs in (few, many))
    return last / first if first and last else None


def number(value):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"
