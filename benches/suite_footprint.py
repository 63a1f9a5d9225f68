# SPDX-License-Identifier: Apache-2.0
"""Sizes on Cortex-M33: arm-none-eabi-gcc -Os -DNDEBUG, every room as an archive, and a minimal client linked with
--gc-sections (LwM2M 1.1; objects 0, 1, and 3 with 7 resources; TLV alone; Discover, with and without Observe; the small
CoAP engine; no heap, no operating system, no DTLS).

Of the linked image only the sections of Tessera's own archives and of the client's main file are counted, as the
published figures of others do; newlib is left out. Stack is the deepest path through the call graph that the compiler
writes; calls through pointers are followed to every function whose address is taken with the same name in a table,
which the compiler does not know, so they are left out and their count is stated.
"""
import os
import pathlib
import re
import subprocess

import measure
from measure import Figure

TARGET = measure.ROOT / "build/bench-an505"
WHOLE = measure.ROOT / "build/bench-an505-lto"  # the secure world and the minimal client, each optimised as one program
LTO = "-flto -flto-partition=one -ffat-lto-objects -fipa-pta"
ROOMS = ["base", "cbor", "json", "coap", "coap_small", "psa_wire", "psa_client", "net", "lwm2m_model", "lwm2m_format",
         "lwm2m_object", "lwm2m_objects", "lwm2m_security", "lwm2m_client", "lwm2m_dtls", "oscore", "cose_secure", "suit", "storage",
         "ps", "spm", "secure_crypto", "attest_rfc9783", "fwu"]
IMAGE = "bench_footprint_client"
SILENT = "bench_footprint_silent"
WHOLE_CLIENT = "bench_footprint_whole"
FULL_CLIENT = "bench_footprint_full"
FDO_DEVICE = "bench_footprint_fdo"
CORE_CLIENT = "bench_footprint_core"  # the same with objects 0, 1, 3 and 21 alone
PEER_CLIENT = "bench_footprint_peer"  # what the published figure of others has
ACCOUNTS = 2  # of the full client


def prepare():
    measure.need("arm-none-eabi-gcc", "gcc-arm-none-eabi")
    if not (TARGET / "build.ninja").exists():
        measure.call(["cmake", "--preset", "an505", "-B", str(TARGET)], cwd=measure.ROOT,
                     env=os.environ | {"CFLAGS": "-fstack-usage -fcallgraph-info=su"})
    measure.progress("footprint: building every room for Cortex-M33")
    known = subprocess.run(["ninja", "-C", str(TARGET), "-t", "targets", "all"], capture_output=True, text=True).stdout
    targets = [f"tsr_{r}" for r in ROOMS if f"tsr_{r}: phony" in known]
    measure.build(TARGET, [], targets)


def archive_size(path):
    last = measure.call(["arm-none-eabi-size", "-t", str(path)]).splitlines()[-1].split()
    return [int(v) for v in last[:3]]


def linked_parts(map_file):
    """Bytes per archive that are in the image: {archive: [text, data, bss]}."""
    parts = {}
    text = map_file.read_text().split("Linker script and memory map", 1)[1]
    one = re.compile(r"^ (\.\S+|COMMON)\s*\n?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$", re.M)
    for section, address, size, source in one.findall(text):
        if int(address, 16) == 0:  # discarded
            continue
        found = re.search(r"lib(tsr_\w+)\.a\(", source)
        name = found.group(1) if found else "main" if "/bench_footprint_" in source else None
        if name is None or not int(size, 16):
            continue
        kind = (0 if section.startswith((".text", ".rodata", ".ARM.ex")) else
                1 if section.startswith(".data") else 2 if section.startswith((".bss", "COMMON")) else None)
        if kind is not None:
            parts.setdefault(name, [0, 0, 0])[kind] += int(size, 16)
    return parts


def stack_graph():
    """{function: (own bytes, callees)} and the number of calls through pointers, from the compiler's .ci files."""
    own, calls, indirect = {}, {}, 0
    for path in TARGET.rglob("*.ci"):
        if "bench_footprint_" in str(path) and f"{IMAGE}.dir" not in str(path):
            continue  # another main
        text = path.read_text(errors="replace")
        for title, label in re.findall(r'node: \{ title: "([^"]+)" label: "([^"]*)"', text):
            size = re.search(r"\\n(\d+) bytes \(", label)
            if size:
                own[title] = max(own.get(title, 0), int(size.group(1)))
        for source, target in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', text):
            if target == "__indirect_call":
                indirect += 1
            else:
                calls.setdefault(source, set()).add(target)
    return own, calls, indirect


def deepest(function, own, calls, seen=()):
    if function in seen:
        return 0, []  # recursion: counted once
    best, path = 0, []
    for callee in calls.get(function, ()):
        depth, below = deepest(callee, own, calls, (*seen, function))
        if depth > best:
            best, path = depth, below
    return own.get(function, 0) + best, [function, *path]


def whole_size(map_file):
    """[text, data, bss] of an image that was optimised as one program: all of it comes from the compiler's last step,
    and what comes from newlib and libgcc does not."""
    size = [0, 0, 0]
    text = map_file.read_text().split("Linker script and memory map", 1)[1]
    one = re.compile(r"^ (\.\S+|COMMON)\s*\n?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) \S+\.ltrans\S*$", re.M)
    for section, address, length in one.findall(text):
        kind = (0 if section.startswith((".text", ".rodata", ".ARM.ex")) else
                1 if section.startswith(".data") else 2 if section.startswith((".bss", "COMMON")) else None)
        if kind is not None and int(address, 16):
            size[kind] += int(length, 16)
    if not size[0]:
        raise SystemExit(f"{map_file}: nothing in it comes from link-time optimisation")
    return size


def as_one_program(image):
    measure.progress(f"footprint: {image} as one program")
    if not (WHOLE / "build.ninja").exists():
        measure.call(["cmake", "--preset", "an505", "-B", str(WHOLE)], cwd=measure.ROOT,
                     env=os.environ | {"CFLAGS": LTO})
    measure.build(WHOLE, [], [image])
    return whole_size(next(WHOLE.rglob(f"{image}.map")))


def secure_world():
    measure.progress("footprint: linking the secure world")
    measure.build(TARGET, [], ["bench_footprint_secure"])
    parts = linked_parts(next(TARGET.rglob("bench_footprint_secure.map")))
    rooms = ", ".join(f"{n.removeprefix('tsr_')} {p[0]:,}" for n, p in sorted(parts.items(), key=lambda i: -i[1][0]))
    text, data, bss = as_one_program("bench_footprint_secure")
    yield Figure("footprint", "secure world with update, linked", text + data, "B flash",
                 "TF-M 2.3 Medium (published), without update", 69648, 65536, "<= 64 KiB",
                 note="optimised as one program (-flto), Mbed TLS too, newlib and libgcc left out; linked room by room "
                      f"it is {sum(p[0] + p[1] for p in parts.values()):,} B: {rooms}")
    yield Figure("footprint", "secure world with update, static memory", data + bss, "B RAM",
                 "TF-M 2.3 Medium (published), without update", 41160, 20480, "<= 20 KiB",
                 note="with a pool of 3 KiB, 16 keys, 48 ITS and 24 PS assets, without the stack; the peer's figure has "
                      "its partitions' stacks in it")


def linked(image):
    """[text, data, bss] of an image, what each room has of it in words, and its map file."""
    measure.build(TARGET, [], [image])
    map_file = next(TARGET.rglob(f"{image}.map"))
    parts = linked_parts(map_file)
    rooms = ", ".join(f"{n.removeprefix('tsr_')} {p[0]:,}" for n, p in sorted(parts.items(), key=lambda i: -i[1][0]))
    return [sum(p[i] for p in parts.values()) for i in range(3)], rooms, map_file


def fdo_device():
    measure.progress("footprint: linking the FDO device")
    measure.build(TARGET, [], [FDO_DEVICE])
    map_file = next(TARGET.rglob(f"{FDO_DEVICE}.map"))
    parts = {n: p for n, p in linked_parts(map_file).items() if n in ("tsr_fdo", "tsr_cose", "tsr_cbor", "tsr_base")}
    rooms = ", ".join(f"{n.removeprefix('tsr_')} {p[0]:,}" for n, p in sorted(parts.items(), key=lambda i: -i[1][0]))
    yield Figure("footprint", "FDO device with COSE and CBOR, linked", sum(p[0] + p[1] for p in parts.values()), "B flash",
                 "FDO C SDK (archives)", 97800, 28672, "<= 28 KiB",
                 note=f"{rooms}; ECDH256 and AES-CCM-64-128-128; without transport, storage, modules, and the calls of PSA; the "
                      "peer's figure was not taken in this run")
    engine = re.search(r"^ \.bss\.each\s+0x[0-9a-f]+\s+0x([0-9a-f]+) ", map_file.read_text(), re.M).group(1)
    yield Figure("footprint", "FDO device, engine", int(engine, 16), "B RAM", goal=8192, goal_text="<= 8 KiB and buffers")


def full_client():
    measure.progress("footprint: linking the client with everything")
    size, rooms, map_file = linked(FULL_CLIENT)
    with_all = "with bootstrap, OSCORE, CoAP over TCP beside UDP, and the calls of PSA to the wall; without DTLS, as the peer"
    yield Figure("footprint", "LwM2M 1.2 client with everything, linked", sum(size[:2]), "B flash",
                 note=f"{rooms}; {with_all}; objects 0, 1, 3 to 7, 20 and 21")
    size, rooms, _ = linked(CORE_CLIENT)
    yield Figure("footprint", "the same, objects 0, 1, 3 and 21 alone", sum(size[:2]), "B flash",
                 "Anjay Lite 3.0 (published)", 55268, 49152, "<= 48 KiB",
                 note=f"{rooms}; {with_all}; the peer has objects 0, 1 and 3, and neither OSCORE nor TCP")
    yield Figure("footprint", "the same, optimised as one program", sum(as_one_program(CORE_CLIENT)[:2]), "B flash",
                 note="-flto")
    size, rooms, _ = linked(PEER_CLIENT)
    yield Figure("footprint", "one server over UDP, without OSCORE, TCP and SenML JSON", sum(size[:2]), "B flash",
                 "Anjay Lite 3.0 (published)", 55268,
                 note=f"{rooms}; nearer to what the peer's figure has: no access control, no reasons in words, nothing kept for later")
    each, held = (int(re.search(rf"^ \.bss\.{name}\s+0x[0-9a-f]+\s+0x([0-9a-f]+) ", map_file.read_text(), re.M).group(1), 16)
                  / ACCOUNTS for name in ("each", "held"))
    yield Figure("footprint", "RAM for each server account", each, "B RAM", goal=1536, goal_text="<= 1.5 KiB and buffers",
                 note="account, Security, Server, OSCORE and its context, key numbers; without the buffers of CoAP and TCP, and "
                      f"those of a bootstrap, which holds changes back in {held:,.0f} B for each")


def run():
    prepare()
    for room in ROOMS:
        found = list(TARGET.rglob(f"libtsr_{room}.a"))
        if not found:
            continue
        text, data, bss = archive_size(found[0])
        yield Figure("footprint", f"room {room}, archive", text, "B text", note=f"data {data}, bss {bss}")
    measure.progress("footprint: linking the minimal client")
    (text, data, bss), rooms, map_file = linked(IMAGE)
    parts = linked_parts(map_file)
    yield Figure("footprint", "CoAP as linked in it", sum(parts[n][0] for n in ("tsr_coap", "tsr_coap_small")), "B text",
                 note="messages and options, and the small engine")
    yield from full_client()
    yield from fdo_device()
    measure.build(TARGET, [], [WHOLE_CLIENT])
    whole = linked_parts(next(TARGET.rglob(f"{WHOLE_CLIENT}.map")))
    yield Figure("footprint", "CoAP as linked in a client with everything", whole["tsr_coap"][0], "B text", goal=12288,
                 goal_text="<= 12 KiB", note="messages and options, and the whole engine for datagrams, with bodies in "
                                             "blocks; it observes nobody")
    silent, silent_rooms, _ = linked(SILENT)
    yield Figure("footprint", "minimal client without Observe, linked", sum(silent[:2]), "B flash",
                 "Anjay Lite 3.0 (published)", 31050, 20480, "<= 20 KiB",
                 note=f"{silent_rooms}; the peer's figure has no Observe either; it was not taken in this run")
    yield Figure("footprint", "minimal client with Observe, linked", text + data, "B flash",
                 "Anjay Lite 3.0 (published)", 35400, 20480, "<= 20 KiB", note=f"{rooms}; with pmin and pmax")
    yield Figure("footprint", "minimal client, optimised as one program", sum(as_one_program(IMAGE)[:2]), "B flash",
                 note="-flto")
    yield Figure("footprint", "minimal client, static memory", data + bss, "B RAM", "Anjay Lite 2.0 (published)", 9068,
                 note="no heap; with 10 observations, 10 attribute sets and all buffers, as the peer")
    yield from secure_world()
    own, calls, indirect = stack_graph()
    main = next((f for f in own if f.endswith(":main") or f == "main"), None)
    if main:
        depth, path = deepest(main, own, calls)
        yield Figure("footprint", "minimal client, stack", depth, "B",
                     note=f"deepest path known: {' > '.join(p.rpartition(':')[2] for p in path)}; "
                          f"{indirect} calls through pointers in all rooms are not followed")
