/* What each client of actionHero needs, whatever its app: calls over HTTP, errors, retries, uploads and downloads. */

/** A time of RFC 3339, such as "2026-12-01T08:00:00Z". */
export type DateTime = string;
/** A day, such as "2026-12-01". */
export type Day = string;
/** A duration, such as "1m30s". */
export type Duration = string;
/** A file to upload: a File of a form, or bytes with a name. */
export type Upload = Blob | { readonly data: Blob; readonly name: string };

/** The kinds of errors of the server. */
export type ServerCode =
  | "internal" | "invalidInput" | "notFound" | "alreadyExists" | "unauthenticated" | "permissionDenied"
  | "resourceExhausted" | "conflict" | "canceled" | "deadlineExceeded" | "unavailable";
/**
 * The kinds of errors of a client. "network": no answer came, and the server may have run the action. "timeout" and "aborted":
 * the caller waits no longer. "closed": the connection was closed for good. "busy": too many calls wait. "protocol": the answer
 * is none of actionHero. "invalidCall": the call cannot be sent.
 */
export type ClientCode = "network" | "timeout" | "aborted" | "closed" | "busy" | "protocol" | "invalidCall";
export type Code = ServerCode | ClientCode;

/** A rule that an input breaks. */
export interface ErrorDetail {
  /** The input, with its path: "address.street", "tags[2]". */
  readonly field: string;
  readonly rule: string;
  readonly message: string;
}

/** What a failed call is rejected with. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  /** The kind of the error. */
  readonly code: Code;
  /** The name of the action. */
  readonly action: string;
  /** The status of the answer, over HTTP. */
  readonly status: number | undefined;
  /** The broken rules of the inputs, with the code "invalidInput". */
  readonly details: readonly ErrorDetail[];
  /** Seconds after which a retry makes sense. */
  readonly retryAfter: number | undefined;
  /** The id of the request in the log of the server. */
  readonly requestId: string | undefined;

  constructor(code: Code, action: string, message: string, more: {
    status?: number | undefined; details?: readonly ErrorDetail[] | undefined; retryAfter?: number | undefined; requestId?: string | undefined; cause?: unknown;
  } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.action = action;
    this.status = more.status;
    this.details = more.details ?? [];
    this.retryAfter = more.retryAfter;
    this.requestId = more.requestId;
  }
}

/** Reports whether an error is an ApiError with one of the codes, or with any code if none is given. */
export function isApiError<C extends Code = Code>(error: unknown, ...codes: C[]): error is ApiError & { readonly code: C } {
  return error instanceof ApiError && (codes.length === 0 || (codes as Code[]).includes(error.code));
}

/** Options of one call. Times are in milliseconds. */
export interface CallOptions {
  /** Gives the call up. A server that has the call already may run it to its end. */
  signal?: AbortSignal | undefined;
  /** The longest time of the call with its retries, up to the beginning of a download; 0 is no limit. Default: that of the transport. */
  timeout?: number | undefined;
  /** How often a call that may run twice is tried again. Default: that of the transport. */
  retries?: number | undefined;
  /** The idempotency key. Default: a new one for each call of an action that takes keys. */
  idempotencyKey?: string | undefined;
  /** Called while an upload is sent. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Options of a call whose body has another form than the inputs. */
export interface BodyOptions extends CallOptions {
  /** The body of the request. The inputs are then in the URL. */
  body: Blob | string;
}

/** How much of an upload is sent, in bytes. */
export interface Progress {
  readonly sent: number;
  readonly total: number;
}

/** What a transport knows of an action. */
export interface ActionSpec {
  readonly name: string;
  /** Over HTTP. */
  readonly path: string;
  /** A second call changes nothing more. */
  readonly idempotent?: boolean;
  /** It takes idempotency keys. */
  readonly keyed?: boolean;
  /** The inputs that are files. */
  readonly files?: readonly string[];
  /** It answers with bytes. */
  readonly content?: boolean;
  /** It answers with nothing. */
  readonly none?: boolean;
  /** The transports over which it runs; all if there are none. */
  readonly over?: readonly string[];
}

/** Sends calls to a server: Http or Socket. */
export interface Transport {
  call<Output>(spec: ActionSpec, input: object | undefined, options?: CallOptions): Promise<Output>;
}

/** Bytes from the server. */
export class Download {
  /** The name that the server gives the file, or "". */
  readonly name: string;
  /** The media type. */
  readonly type: string;
  /** The number of bytes, if the server says it. */
  readonly size: number | undefined;
  /** The answer, whose body is not read yet. */
  readonly response: Response;

  constructor(response: Response) {
    this.response = response;
    this.name = fileName(response.headers.get("Content-Disposition") ?? "");
    this.type = response.headers.get("Content-Type") ?? "";
    const size = response.headers.get("Content-Length");
    this.size = size === null || response.headers.has("Content-Encoding") ? undefined : Number(size);
  }

  /** The bytes as they come. */
  get body(): ReadableStream<Uint8Array> {
    return this.response.body ?? new Blob([]).stream();
  }
  blob(): Promise<Blob> {
    return this.response.blob();
  }
  text(): Promise<string> {
    return this.response.text();
  }
  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await this.response.arrayBuffer());
  }
}

function fileName(disposition: string): string {
  const extended = /filename\*=UTF-8''([^;]*)/i.exec(disposition)?.[1];
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended);
    } catch {
      // the plain name follows
    }
  }
  const plain = /filename="((?:[^"\\]|\\.)*)"|filename=([^;]*)/i.exec(disposition);
  return (plain?.[1]?.replace(/\\(.)/g, "$1") ?? plain?.[2] ?? "").trim();
}

/**
 * A token that says who calls, or a function that returns one. After a refusal of its token, the function is called once more
 * with refused = true, and a new token is tried once.
 */
export type Auth = string | ((refused: boolean) => string | null | undefined | Promise<string | null | undefined>);

/** Times are in milliseconds. */
export interface HttpOptions {
  /** The address of the server, such as "https://api.example.com". Default: the server of the page. */
  url?: string | undefined;
  /** Default: none. Cookies of the page are sent in any case, as credentials says. */
  auth?: Auth | null | undefined;
  /** Further headers of each request. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** As for fetch: "include" also sends cookies to another site. Default: "same-origin". */
  credentials?: RequestCredentials | undefined;
  /** Default: 35000, a little more than the server allows an action. */
  timeout?: number | undefined;
  /** Default: 2. */
  retries?: number | undefined;
  /** Default: the fetch of the platform. */
  fetch?: typeof fetch | undefined;
}

/** Sends each call as a request of HTTP. */
export class Http implements Transport {
  readonly #options: HttpOptions;
  readonly #base: string;
  #renewal: Promise<string | null | undefined> | undefined; // several calls with a refused token ask for one new token

  constructor(options: HttpOptions = {}) {
    this.#options = options;
    this.#base = (options.url ?? globalThis.location?.origin ?? "").replace(/\/+$/, "");
    if (!/^https?:\/\//.test(this.#base)) {
      throw new TypeError("the option url must begin with http:// or https://; only a page may leave it out");
    }
  }

  async call<Output>(spec: ActionSpec, input: object | undefined, options: CallOptions = {}): Promise<Output> {
    if (spec.over && !spec.over.includes("web")) throw new ApiError("invalidCall", spec.name, `the action ${spec.name} does not run over HTTP`);
    const key = options.idempotencyKey ?? (spec.keyed ? newKey() : undefined);
    const clock = new Clock(spec.name, options.timeout ?? this.#options.timeout ?? 35_000, options.signal ?? undefined);
    try {
      const again = spec.idempotent === true || spec.keyed === true;
      const retries = again ? options.retries ?? this.#options.retries ?? 2 : 0;
      const answer = await retrying(retries, clock, () => this.#attempt(spec, input, options, key, clock));
      return answer as Output;
    } finally {
      clock.stop(!spec.content);
    }
  }

  /** One attempt, and one more with a new token if the server refuses the first one. */
  async #attempt(spec: ActionSpec, input: object | undefined, options: CallOptions, key: string | undefined, clock: Clock): Promise<unknown> {
    const auth = this.#options.auth;
    const token = typeof auth === "function" ? await clock.wait(Promise.resolve(auth(false))) : auth;
    try {
      return await this.#send(spec, input, options, key, token, clock);
    } catch (error) {
      if (typeof auth !== "function" || !token || !isApiError(error, "unauthenticated")) throw error;
      this.#renewal ??= Promise.resolve(auth(true)).finally(() => (this.#renewal = undefined));
      const fresh = await clock.wait(this.#renewal);
      if (!fresh || fresh === token) throw error;
      return this.#send(spec, input, options, key, fresh, clock);
    }
  }

  async #send(spec: ActionSpec, input: object | undefined, options: CallOptions, key: string | undefined, token: string | null | undefined, clock: Clock): Promise<unknown> {
    const headers: Record<string, string> = { Accept: "application/json, application/problem+json, */*;q=0.5", ...this.#options.headers };
    if (token) headers["Authorization"] = `Bearer ${token}`;
    if (key !== undefined) headers["Idempotency-Key"] = `"${key}"`;
    let url = this.#base + spec.path;
    const own = (options as Partial<BodyOptions>).body;
    let body: FormData | Blob | string;
    if (own !== undefined) {
      url += queryOf(input);
      body = own;
    } else if (spec.files) {
      body = formOf(spec, input);
    } else {
      headers["Content-Type"] = "application/json";
      body = encode(spec, input ?? {});
    }
    const send = options.onProgress ? sendWithProgress : plainly;
    let response: Response;
    try {
      response = await send(url, {
        method: "POST", headers, body, signal: clock.signal, credentials: this.#options.credentials ?? "same-origin",
      }, this.#options.fetch ?? globalThis.fetch, options.onProgress);
    } catch (error) {
      throw clock.failure ?? new ApiError("network", spec.name, `no answer to ${spec.name}: ${text(error)}`, { cause: error });
    }
    if (spec.content && response.ok) return new Download(response);
    let answer: string;
    try {
      answer = await response.text();
    } catch (error) {
      throw clock.failure ?? new ApiError("network", spec.name, `the answer to ${spec.name} is cut off: ${text(error)}`, { cause: error });
    }
    return read(spec, response, answer);
  }
}

type Send = (url: string, init: RequestInit & { headers: Record<string, string>; body: FormData | Blob | string }, by: typeof fetch, onProgress: CallOptions["onProgress"]) => Promise<Response>;

const plainly: Send = (url, init, by) => by(url, init);

/** Sends a body and says how much of it is sent: in browsers by XMLHttpRequest, because fetch cannot, and elsewhere as a stream. */
const sendWithProgress: Send = async (url, init, by, onProgress = () => {}) => {
  if (typeof XMLHttpRequest === "function") return byXHR(url, init, onProgress);
  const encoded = new Response(init.body); // it writes multipart/form-data, with the boundary in its type
  const type = encoded.headers.get("Content-Type");
  const whole = await encoded.blob();
  const reader = whole.stream().getReader();
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) {
        controller.close();
        return;
      }
      controller.enqueue(value);
      sent += value.byteLength;
      onProgress({ sent, total: whole.size });
    },
    cancel: (reason) => reader.cancel(reason),
  });
  const headers = type === null ? init.headers : { "Content-Type": type, ...init.headers };
  return by(url, { ...init, headers, body: stream, duplex: "half" } as RequestInit);
};

function byXHR(url: string, init: RequestInit & { headers: Record<string, string>; body: FormData | Blob | string }, onProgress: (progress: Progress) => void): Promise<Response> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", url);
    xhr.responseType = "arraybuffer";
    xhr.withCredentials = init.credentials === "include";
    for (const [name, value] of Object.entries(init.headers)) xhr.setRequestHeader(name, value);
    const signal = init.signal;
    const abort = () => xhr.abort();
    const ended = () => signal?.removeEventListener("abort", abort);
    xhr.upload.onprogress = ({ loaded, total }) => onProgress({ sent: loaded, total });
    xhr.onerror = xhr.onabort = () => {
      ended();
      reject(new TypeError("the request failed"));
    };
    xhr.onload = () => {
      ended();
      const headers = new Headers();
      for (const line of xhr.getAllResponseHeaders().split("\r\n")) {
        const colon = line.indexOf(":");
        if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
      }
      const empty = xhr.status === 204 || xhr.status === 304;
      resolve(new Response(empty ? null : (xhr.response as ArrayBuffer), { status: xhr.status, headers }));
    };
    if (signal?.aborted) {
      reject(new TypeError("the request was aborted"));
      return;
    }
    signal?.addEventListener("abort", abort);
    xhr.send(init.body);
  });
}

/** The codes of answers that actionHero has not written, such as those of a proxy. */
const codeOfStatus: Readonly<Record<number, ServerCode>> = {
  400: "invalidInput", 401: "unauthenticated", 403: "permissionDenied", 404: "notFound", 409: "conflict", 413: "invalidInput", 415: "invalidInput",
  422: "invalidInput", 429: "resourceExhausted", 502: "unavailable", 503: "unavailable", 504: "unavailable",
};

/** Returns the output in an answer, or throws its error. Both envelopes of the server are read. */
function read(spec: ActionSpec, response: Response, answer: string): unknown {
  let value: Record<string, unknown> = {};
  try {
    const parsed: unknown = answer === "" ? {} : JSON.parse(answer);
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new TypeError("no object");
    value = parsed as Record<string, unknown>;
  } catch (error) {
    if (response.ok) throw new ApiError("protocol", spec.name, `the answer to ${spec.name} is no JSON object`, { status: response.status, cause: error });
  }
  const { serverInformation, requestorInformation, error, ...output } = value;
  const classic = serverInformation !== undefined && requestorInformation !== undefined && error !== undefined;
  if (response.ok && (!classic || error === "OK")) return spec.none ? undefined : classic ? output : value;
  const header = response.headers.get("Retry-After");
  throw failureOf(spec.name, {
    code: (classic ? value["errorCode"] : value["code"]) ?? codeOfStatus[response.status] ?? (response.ok ? "internal" : "protocol"),
    message: (classic ? error : value["detail"]) ?? `${spec.name} was answered with the status ${response.status}`,
    details: classic ? value["errorDetails"] : value["errors"],
    retryAfter: value["retryAfter"] ?? (header !== null && /^\d+$/.test(header) ? Number(header) : undefined),
    status: response.status,
    requestId: value["instance"] ?? response.headers.get("X-Request-Id") ?? undefined,
  });
}

/** Makes an error of the parts of an answer, whose types are not known. */
export function failureOf(action: string, parts: { code: unknown; message: unknown; details?: unknown; retryAfter?: unknown; status?: number; requestId?: unknown }): ApiError {
  return new ApiError(String(parts.code) as Code, action, String(parts.message), {
    status: parts.status,
    details: Array.isArray(parts.details) ? (parts.details as ErrorDetail[]) : undefined,
    retryAfter: typeof parts.retryAfter === "number" ? parts.retryAfter : undefined,
    requestId: typeof parts.requestId === "string" ? parts.requestId : undefined,
  });
}

function encode(spec: ActionSpec, input: object): string {
  try {
    return JSON.stringify(input);
  } catch (error) {
    throw new ApiError("invalidCall", spec.name, `the input of ${spec.name} does not encode as JSON: ${text(error)}`, { cause: error });
  }
}

/** A value as the text of a form or of a URL, of which the server makes the value again; undefined if it is not given. */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}

function queryOf(input: object | undefined): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input ?? {})) {
    const one = textOf(value);
    if (one !== undefined) query.append(name, one);
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

function formOf(spec: ActionSpec, input: object | undefined): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(input ?? {})) {
    if (!spec.files?.includes(name)) {
      const one = textOf(value);
      if (one !== undefined) form.append(name, one);
      continue;
    }
    for (const file of (Array.isArray(value) ? value : [value]) as (Upload | null | undefined)[]) {
      if (!file) continue;
      if (!(file instanceof Blob)) form.append(name, file.data, file.name);
      else form.append(name, file, (file as Partial<File>).name ?? name);
    }
  }
  return form;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A new idempotency key. Pages without HTTPS have no crypto.randomUUID. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The time limit and the signal of one call with its retries. */
export class Clock {
  /** Ends when the caller waits no longer. */
  readonly signal: AbortSignal;
  /** Why it has ended. */
  failure: ApiError | undefined;
  readonly #end: number;
  readonly #stop: (forGood: boolean) => void;

  constructor(action: string, timeout: number, signal: AbortSignal | undefined) {
    const controller = new AbortController();
    const fail = (failure: ApiError) => {
      this.failure ??= failure;
      controller.abort(failure);
    };
    const abort = () => fail(new ApiError("aborted", action, `${action} was given up`, { cause: signal?.reason }));
    const timer = timeout > 0 ? setTimeout(() => fail(new ApiError("timeout", action, `no answer to ${action} within ${timeout} ms`)), timeout) : undefined;
    this.signal = controller.signal;
    this.#end = timeout > 0 ? performance.now() + timeout : Infinity;
    this.#stop = (forGood) => {
      clearTimeout(timer);
      if (forGood) signal?.removeEventListener("abort", abort);
    };
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  }

  /** Milliseconds until the timeout. */
  get left(): number {
    return this.#end - performance.now();
  }
  /** Ends the time limit. The signal stays with the body of a download, which comes after the call. */
  stop(forGood = true): void {
    this.#stop(forGood);
  }

  /** Waits for a promise, but not longer than the caller. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(this.failure);
      if (this.signal.aborted) abort();
      this.signal.addEventListener("abort", abort);
      promise.then(resolve, reject).finally(() => this.signal.removeEventListener("abort", abort));
    });
  }

  async sleep(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await this.wait(new Promise<void>((resolve) => (timer = setTimeout(resolve, ms))));
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Runs once, and again after an error that may be gone the next time, for as long as the clock allows. */
export async function retrying<T>(retries: number, clock: Clock, once: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      if (clock.failure) throw clock.failure;
      return await once();
    } catch (error) {
      if (attempt >= retries || !isTransient(error)) throw error;
      const longest = Math.min(10_000, 250 * 2 ** attempt);
      const delay = error.retryAfter === undefined ? longest / 2 + (Math.random() * longest) / 2 : error.retryAfter * 1000;
      if (delay >= clock.left) throw error;
      await clock.sleep(delay);
    }
  }
}

function isTransient(error: unknown): error is ApiError {
  return isApiError(error, "network", "unavailable") || (isApiError(error, "resourceExhausted", "conflict") && error.retryAfter !== undefined);
}
