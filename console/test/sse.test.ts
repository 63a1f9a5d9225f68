// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { nextWait } from "../src/api/stream";
import { SseParser } from "../src/api/sse";

const text = "retry: 2000\n\nid: 7\nevent: registered\ndata: {\"a\":1}\n\n:\n\ndata: one\ndata: two\n\nid: 9\nevent: empty\n\n";

describe("SseParser", () => {
  const expected = [
    { id: "7", event: "registered", data: "{\"a\":1}" },
    { id: "7", event: "message", data: "one\ntwo" },
  ];
  test("takes a stream apart", () => {
    expect(new SseParser().feed(text)).toEqual(expected);
  });
  test("wherever it is cut", () => {
    for (let at = 1; at < text.length; at++) {
      const parser = new SseParser();
      expect([...parser.feed(text.slice(0, at)), ...parser.feed(text.slice(at))]).toEqual(expected);
    }
  });
  test("with every kind of line end, also cut between CR and LF", () => {
    for (const end of ["\r\n", "\r", "\n"]) {
      const lines = text.replaceAll("\n", end);
      const parser = new SseParser();
      const got = [...lines].flatMap((c) => parser.feed(c));
      expect(got).toEqual(expected);
    }
  });
  test("keeps the last id and ignores one with a zero byte", () => {
    const parser = new SseParser();
    expect(parser.feed("id: 5\ndata: a\n\nid: 6\0\ndata: b\n\n").map((m) => m.id)).toEqual(["5", "5"]);
  });
});

test("the wait between attempts doubles up to ten seconds", () => {
  const waits = [500];
  for (let i = 0; i < 7; i++) waits.push(nextWait(waits.at(-1)!));
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 10000, 10000, 10000]);
});
