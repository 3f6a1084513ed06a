// A WebSocket whose other side is the test.

export class FakeSocket {
  /** Those that were made, in order. @type {FakeSocket[]} */
  static all = [];
  static get last() { return FakeSocket.all.at(-1); }

  sent = [];
  closedWith = null;

  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }

  // What the client does.
  send(frame) { this.sent.push(JSON.parse(frame)); }
  close(code = 1005) { this.closedWith = code; }

  // What the test does.
  receive(value) { this.onmessage({ data: typeof value === "string" ? value : JSON.stringify(value) }); }
  welcome(room = "defaultRoom") { this.receive({ welcome: "hello", room, context: "api" }); }
  answer(index, fields = {}) { this.receive({ context: "response", status: "OK", error: false, ...fields, messageId: this.sent[index].messageId }); }
  end(code = 1006, reason = "") { this.onclose({ code, reason }); }
  fail() { this.onerror({}); }

  /** The verbs that were sent, with what belongs to them. */
  get verbs() { return this.sent.map(({ event, params, room, message }) => [event, params?.action ?? message ?? room].filter(Boolean).join(" ")); }
}
