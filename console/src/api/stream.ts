// SPDX-License-Identifier: Apache-2.0
// Follows the event stream: resumes by Last-Event-ID, backs off while the server is away.
import { ApiProblem, checked, EVENTS_URL, headers, type ApiEvent } from "./client";
import { SseParser, type SseMessage } from "./sse";

export type Connection = "connecting" | "live" | "offline";

export interface StreamHandlers {
  onEvent(event: ApiEvent): void;
  /** Events were lost: read the state anew. */
  onGap(): void;
  onState(state: Connection): void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** The server sends a comment every 15 s; after so long without one the line is dead. */
const SILENCE_MS = 40_000;

export function nextWait(ms: number): number {
  return Math.min(ms * 2, LONGEST_WAIT_MS);
}

export class EventStream {
  private lastId: string | undefined;
  private abort: AbortController | undefined;
  private stopped = true;
  private wake: (() => void) | undefined;

  constructor(private readonly handlers: StreamHandlers) {}

  /** `from`: begin after this event; without it, with what happens next. */
  start(from?: string): void {
    if (!this.stopped) return;
    this.lastId ??= from;
    this.stopped = false;
    void this.run();
  }

  stop(): void {
    this.stopped = true;
    this.abort?.abort();
    this.wake?.();
  }

  /** Tries again now, e.g. after a token was entered. */
  retry(): void {
    this.wake?.();
  }

  private async run(): Promise<void> {
    let wait = FIRST_WAIT_MS;
    while (!this.stopped) {
      this.handlers.onState("connecting");
      try {
        await this.follow(() => {
          wait = FIRST_WAIT_MS;
          this.handlers.onState("live");
        });
      } catch (error) {
        if (error instanceof ApiProblem && error.problem.status === 401) wait = LONGEST_WAIT_MS;
      }
      if (this.stopped) return;
      this.handlers.onState("offline");
      await this.pause(wait);
      wait = nextWait(wait);
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async follow(onOpen: () => void): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    let alive = setTimeout(() => abort.abort(), SILENCE_MS);
    const sent: Record<string, string> = { Accept: "text/event-stream" };
    if (this.lastId !== undefined) sent["Last-Event-ID"] = this.lastId;
    try {
      const response = await checked(
        await fetch(EVENTS_URL, { headers: headers(sent), signal: abort.signal }),
      );
      if (!response.body) throw new Error("no stream");
      onOpen();
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      const parser = new SseParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(alive);
        alive = setTimeout(() => abort.abort(), SILENCE_MS);
        for (const message of parser.feed(decoder.decode(value, { stream: true })))
          this.take(message);
      }
    } finally {
      clearTimeout(alive);
    }
  }

  private take(message: SseMessage): void {
    if (message.id !== undefined) this.lastId = message.id;
    if (message.event === "gap") {
      this.handlers.onGap();
      return;
    }
    try {
      this.handlers.onEvent(JSON.parse(message.data) as ApiEvent);
    } catch {
      // A message that is no JSON is not ours; the stream goes on.
    }
  }
}
