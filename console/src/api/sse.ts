// SPDX-License-Identifier: Apache-2.0
// The parser of a server-sent event stream (WHATWG HTML, "Parsing an event stream"). The browser's
// EventSource cannot send a bearer token, so the stream is read with fetch and taken apart here.

export interface SseMessage {
  id: string | undefined;
  event: string;
  data: string;
}

export class SseParser {
  private rest = "";
  private id: string | undefined;
  private event = "";
  private data: string[] = [];
  private sawCr = false;

  /** Feeds a piece of text and returns the messages that it completed. */
  feed(text: string): SseMessage[] {
    const out: SseMessage[] = [];
    // A CR at the end of a piece may be the first half of CR LF.
    if (this.sawCr && text.startsWith("\n")) text = text.slice(1);
    this.sawCr = text.endsWith("\r");
    const lines = (this.rest + text).split(/\r\n|\n|\r/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = this.line(line);
      if (message) out.push(message);
    }
    return out;
  }

  private line(line: string): SseMessage | undefined {
    if (line === "") return this.dispatch();
    if (line.startsWith(":")) return undefined;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return undefined;
  }

  private dispatch(): SseMessage | undefined {
    const { event, data } = this;
    this.event = "";
    this.data = [];
    if (data.length === 0) return undefined;
    return { id: this.id, event: event || "message", data: data.join("\n") };
  }
}
