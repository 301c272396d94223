"""What one core can do at most: cycles a second, and int8 multiply-adds a second. x86-64 only.

    python benchmarks/processor.py      prints one JSON object

Both are measured with a few instructions of machine code, as no library of Python's tells.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import platform
from pathlib import Path
from time import perf_counter

SECONDS, REPEATS = 0.05, 7

# imul rax, rax eight times, each waiting three cycles for the one before; dec rdi; jnz back
CYCLES = 8 * 3
WAIT = bytes.fromhex(8 * "480fafc0" + "48ffcf 75db")
# vpdpbusd on 24 registers that do not wait for each other; dec rdi; jnz back. Each of these
# instructions multiplies 64 pairs of int8 and adds the products to 16 sums of int32.
PAIRS = 64
REGISTERS = [(bank, number) for bank in (0x92, 0x12, 0x82) for number in range(8)]
MULTIPLY = b"".join(
    bytes([0x62, bank, 0x0D, 0x40, 0x50, 0xC7 + 8 * number]) for bank, number in REGISTERS
) + bytes.fromhex("48ffcf 0f8567ffffff")
RETURN = bytes.fromhex("c5f877 c3")  # vzeroupper; ret


def flags() -> list[str]:
    """Return the features of the processor; empty where Linux does not tell them."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return []
    return next((line.split() for line in lines if line.startswith("flags")), [])


def turns_per_second(loop: bytes) -> float:
    """Return the most turns of a loop that a second had; the loop counts ``rdi`` down."""
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(loop + RETURN)
    function = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(
        ctypes.addressof(ctypes.c_char.from_buffer(code))
    )
    turns, best = 1_000_000, 0.0
    for _ in range(REPEATS):
        start = perf_counter()
        function(turns)
        rate = turns / (perf_counter() - start)
        best = max(best, rate)
        turns = round(rate * SECONDS)
    return best


def peak() -> dict[str, float]:
    """Return cycles and int8 multiply-adds a second of this core; empty where not known."""
    if platform.machine() != "x86_64" or "avx512_vnni" not in flags():
        return {}
    return {
        "cycles_per_second": CYCLES * turns_per_second(WAIT),
        "multiply_adds_per_second": len(REGISTERS) * PAIRS * turns_per_second(MULTIPLY),
    }


if __name__ == "__main__":
    print(json.dumps(peak()))
