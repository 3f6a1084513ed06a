package actionhero

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/schema"
)

// KeyUse declares whether an action takes idempotency keys, see Action.IdempotencyKey.
//
// A client makes up a key for an operation, for example a UUID, and repeats the key if it tries the operation again. The
// action runs once for each key: a further call with the key and the same inputs reads the answer of that run, without a
// run of its own. Over HTTP, the key is the header Idempotency-Key; over other transports, the member idempotencyKey of a
// message, next to the name of the action. An inner request (see [Request.IsInner]) has no key.
//
// The answer is kept for Config.IdempotencyWindow, in the cache, so in a cluster for all nodes. Only the output or the error
// is kept, and over HTTP the status and the headers that Run has set. A further call runs the middleware, but not Run, so it
// repeats no effect on a connection. A middleware receives a kept output as a json.RawMessage.
//
//   - While the run goes on, a further call fails with [CodeConflict] and a RetryAfter.
//   - With other inputs, a further call fails with [CodeInvalidInput] and the cause [ErrKeyReused]. Over HTTP, the status is 422.
//   - A refusal of Run is kept, too. It is not kept if it is of [CodeUnauthenticated] or [CodeResourceExhausted], or has a
//     RetryAfter, because then the client may try again. A failure before Run, for example a wrong input, uses no key.
//   - After a failure of the server, which is an error of [CodeInternal], [CodeUnavailable], [CodeDeadlineExceeded] or
//     [CodeCanceled] or a panic, the key is free, and a further call runs.
//   - If the node of the run dies, the key is free after 30 s. If a run loses its key because its node was cut off from the
//     cache for that long, its context ends, and its answer is dropped.
//   - An answer above Config.IdempotencyBytes is not kept, and neither is one that the action wrote itself. A further call
//     then does not run, and fails with [CodeConflict].
//
// Keys of different actions and of different clients never meet. A client is the identity that has logged in, else the
// address, and of an IPv6 address its /64 network. So an anonymous client that changes its address begins anew.
type KeyUse uint8

// The uses of idempotency keys.
const (
	KeyIgnored  KeyUse = iota // the action takes no keys, and runs for each call; the default
	KeyOptional               // a call without a key runs like any other
	KeyRequired               // a call of a client without a key fails with CodeInvalidInput
	keyUseCount
)

var keyUseNames = [keyUseCount]string{"ignored", "optional", "required"}

// String returns "ignored", "optional" or "required".
func (k KeyUse) String() string {
	if k < keyUseCount {
		return keyUseNames[k]
	}
	return fmt.Sprintf("keyUse(%d)", uint8(k))
}

// ErrKeyReused is the cause of the error of a call whose idempotency key was used with other inputs.
var ErrKeyReused = errors.New("the idempotency key was used with other inputs")

// maxKey is the length of the longest idempotency key, in bytes.
const maxKey = 255

// keyParam is the name of the member with the key in a message, which an action with keys must not take as an input.
const keyParam = "idempotencyKey"

// checkKeys returns an error if an action cannot have idempotency keys as declared.
func (act *action) checkKeys(use KeyUse) error {
	name := act.info.Name
	switch {
	case use == KeyIgnored:
		return nil
	case use >= keyUseCount:
		return fmt.Errorf("action %q has the IdempotencyKey %d, which does not exist: use KeyIgnored, KeyOptional or KeyRequired", name, uint8(use))
	case act.output == nil:
		return fmt.Errorf("action %q answers a Content, which cannot be kept for an idempotency key: leave out IdempotencyKey, or answer an object", name)
	case act.info.Kind == KindRead:
		return fmt.Errorf("action %q is of KindRead, so it needs no idempotency key: leave out IdempotencyKey, or declare what the action changes", name)
	case act.takes(keyParam):
		return fmt.Errorf("action %q has idempotency keys and an input %q, which is the name of the key in a message: give the input another name in its json tag", name, keyParam)
	}
	return nil
}

// isClient reports whether a client has sent r, and not code of the app or a person at the command line.
func (r *Request) isClient() bool {
	return r.Transport != transportInternal && r.Transport != TransportCLI && r.Job == nil && !r.IsInner()
}

// key returns the idempotency key of r, or "" if it has none.
func (r *Request) key(use KeyUse) (string, error) {
	if r.IsInner() {
		return "", nil
	}
	text, fromHeader := r.IdempotencyKey, false
	if text == "" {
		text, fromHeader = r.keyHeader()
	}
	if text == "" && !fromHeader {
		if use == KeyRequired && r.isClient() {
			return "", Errorf(CodeInvalidInput, "an idempotency key is required for this action: send a new one with each operation, and the same one to try again")
		}
		return "", nil
	}
	if fromHeader {
		var ok bool
		if text, ok = headerString(text); !ok || text == "" {
			return "", Errorf(CodeInvalidInput, `the header Idempotency-Key must be one string in quotes, of 1 to %d characters: "8e03978e-40d5-43dd-bc93-6894a57f9324"`, maxKey)
		}
	}
	if text == "" || len(text) > maxKey || strings.IndexFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) >= 0 {
		return "", Errorf(CodeInvalidInput, "an idempotency key must have 1 to %d printable ASCII characters", maxKey)
	}
	return text, nil
}

// keyHeader returns the value of the header Idempotency-Key, and whether the client has sent it. Several of them are joined,
// as RFC 9110 section 5.3 says, and are no key.
func (r *Request) keyHeader() (value string, sent bool) {
	const name = "Idempotency-Key"
	if h, ok := r.Extra.(interface{ RequestHeaderValues(name string) []string }); ok {
		values := h.RequestHeaderValues(name)
		return strings.Join(values, ", "), len(values) > 0
	}
	value = r.Header(name)
	return value, value != ""
}

// headerString returns the string in the value of a header: a String of RFC 8941, whose parameters do not count, or the
// bare text that many clients send.
func headerString(value string) (text string, ok bool) {
	value = strings.Trim(value, " \t")
	if !strings.HasPrefix(value, `"`) {
		return value, !strings.ContainsAny(value, ` ",;`+"\t")
	}
	var b strings.Builder
	for i := 1; i < len(value); i++ {
		switch c := value[i]; c {
		case '\\':
			if i++; i == len(value) || value[i] != '"' && value[i] != '\\' {
				return "", false
			}
			b.WriteByte(value[i])
		case '"':
			rest := strings.TrimLeft(value[i+1:], " ")
			return b.String(), rest == "" || rest[0] == ';'
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// callerKey returns what the keys of r's client belong to.
func callerKey(r *Request) string {
	if who := r.Identity(); who.Known() {
		return "id " + who.ID
	}
	if client, ok := limitKey(r.RemoteIP); ok {
		return "ip " + client.String()
	}
	return "ip"
}

// keyScope returns the digest of a key in its scope: the action and the client.
func keyScope(action, caller, key string) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%d %s %d %s %s", len(action), action, len(caller), caller, key))
}

// storeKey returns the key of the cache for a scope. The keys of the app do not begin with "_".
func storeKey(scope [sha256.Size]byte) string {
	sum := sha256.Sum256(scope[:])
	return "_idempotency:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// fingerprint returns a digest of the inputs of r: two calls with the same inputs have the same one, however they were
// written. It depends on the scope, too, so that a reader of the cache cannot guess inputs.
func fingerprint(scope [sha256.Size]byte, r *Request, params []schema.Param) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	h.Write(scope[:])
	for i := range params {
		write(h, params[i].Key)
		if err := writeValue(h, &params[i].Value); err != nil {
			return sum, fmt.Errorf("the input %s cannot be read: %w", params[i].Key, err)
		}
	}
	write(h, string(r.Body()))
	if v := r.act.info.Version; v > 1 { // an action without versions may become version 1 while keys are kept
		write(h, "version "+strconv.Itoa(v))
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

func write(h hash.Hash, text string) {
	_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(text))))
	_, _ = io.WriteString(h, text)
}

func writeValue(h hash.Hash, v *schema.Value) error {
	files, _ := v.File().([]*File)
	if f, ok := v.File().(*File); ok {
		files = []*File{f}
	}
	write(h, string(v.JSON()))
	for _, f := range files {
		if f == nil {
			continue
		}
		write(h, f.Name)
		write(h, f.Type)
		sum := sha256.New()
		if _, err := io.Copy(sum, f); err != nil {
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		write(h, string(sum.Sum(nil)))
	}
	return nil
}

// runKeyed is Action.Run for an action that takes idempotency keys.
func runKeyed[In, Out any](ctx context.Context, req *Request, act *action, run func(context.Context, In) (Out, error), in In) (any, error) {
	do := func(ctx context.Context) (any, error) {
		out, err := run(ctx, in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
	key, err := req.key(act.info.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	if key == "" {
		return do(ctx)
	}
	params, err := act.input.Params(&in)
	if err != nil {
		return nil, err
	}
	caller := callerKey(req)
	scope := keyScope(act.info.Name, caller, key)
	inputs, err := fingerprint(scope, req, params)
	if err != nil {
		return nil, err
	}
	k := &keyedCall{req: req, store: req.API.cfg.Backend.Store(), caller: caller, key: storeKey(scope), inputs: inputs}
	return k.call(ctx, do)
}
