package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/transport"
)

// failed demands an error with a code and a text.
func failed(t testing.TB, what string, err error, code actionhero.Code, text string) {
	t.Helper()
	if e := actionhero.AsError(err); e == nil || e.Code != code || e.Message != text {
		t.Errorf("%s: got %v; want %v: %s", what, err, code, text)
	}
}

const internal = "The server experienced an internal error"

// Those added first are asked first, and who refuses has the last word.
func TestRoomMiddlewareOrder(t *testing.T) {
	t.Parallel()
	var asked []string
	named := func(name string) actionhero.RoomMiddleware {
		return actionhero.RoomMiddleware{
			Join: func(_ context.Context, _ *actionhero.Conn, room string) error {
				asked = append(asked, name+" join "+room)
				if room == "not "+name {
					return actionhero.Errorf(actionhero.CodePermissionDenied, "%s says no", name)
				}
				return nil
			},
			Say: func(_ context.Context, _ *actionhero.Conn, room, text string) (string, error) {
				asked = append(asked, name+" say "+text)
				if text == "not" {
					return "", actionhero.Errorf(actionhero.CodeInvalidInput, "%s says no", name)
				}
				return text + name, nil
			},
			Deliver: func(_ *actionhero.Conn, d *actionhero.RoomMessage) bool {
				asked = append(asked, name+" deliver "+string(d.Body))
				return !strings.Contains(string(d.Body), "never")
			},
		}
	}
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1}, actionhero.Parts{named("a")})
	api.UseRooms(named("b"), actionhero.RoomMiddleware{}, named("c"))
	ann, annGets := connect(t, api, "den")
	bob, _ := connect(t, api, "den")
	heard := func(do string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("%s asks (-want +got):\n%s", do, diff)
		}
		asked = nil
	}
	heard("joining", "a join den", "b join den", "c join den", "a join den", "b join den", "c join den")

	failed(t, "a room that b refuses", api.Rooms.Move(t.Context(), ann, "not b"), actionhero.CodePermissionDenied, "b says no")
	heard("a refused room", "a join not b", "b join not b")
	failed(t, "a further room that a refuses", api.Rooms.Join(t.Context(), ann, "not a"), actionhero.CodePermissionDenied, "a says no")
	heard("a refused further room", "a join not a")
	if rooms := ann.Rooms(); !cmp.Equal(rooms, []string{"den"}) || api.Rooms.RoomsHere() != 1 {
		t.Errorf("after refusals she is in %q, and there are %d rooms", rooms, api.Rooms.RoomsHere())
	}

	if err := api.Rooms.Say(t.Context(), bob, "", "x"); err != nil {
		t.Fatal(err)
	}
	heard("saying", "a say x", "b say xa", "c say xab", `a deliver "xabc"`, `b deliver "xabc"`, `c deliver "xabc"`)
	failed(t, "a refused text", api.Rooms.Say(t.Context(), bob, "", "not"), actionhero.CodeInvalidInput, "a says no")
	heard("a refused text", "a say not")
	if err := api.Rooms.Say(t.Context(), bob, "den", "never"); err != nil {
		t.Fatal(err)
	}
	heard("what is not delivered", "a say never", "b say nevera", "c say neverab", `a deliver "neverabc"`)
	if got := annGets.take(); !cmp.Equal(got, []string{`"xabc" from ` + bob.ID}) {
		t.Errorf("ann read %q", got)
	}
	if err := errors.Join(api.Rooms.Broadcast(t.Context(), "den", 1), api.Rooms.SendTo(t.Context(), ann.ID, 2)); err != nil {
		t.Fatal(err)
	}
	heard("what the server says to both", "a deliver 1", "b deliver 1", "c deliver 1", "a deliver 1", "b deliver 1", "c deliver 1")
	transport.Of(api).Disconnect(ann)
	transport.Of(api).Disconnect(bob)
}

// A client is let in once, not again for each way in which it is in the room.
func TestRoomMiddlewareIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	asked := 0
	api := newAPI(t, actionhero.Config{}, actionhero.RoomMiddleware{Join: func(context.Context, *actionhero.Conn, string) error {
		asked++
		return nil
	}})
	c, _ := connect(t, api, "a")
	if err := errors.Join(api.Rooms.Move(t.Context(), c, "a"), api.Rooms.Join(t.Context(), c, "a"), api.Rooms.Join(t.Context(), c, "b"), api.Rooms.Move(t.Context(), c, "b")); err != nil {
		t.Fatal(err)
	}
	if asked != 2 {
		t.Errorf("it was asked %d times about two rooms", asked)
	}
	transport.Of(api).Disconnect(c)
}

func TestRoomMiddlewareFails(t *testing.T) {
	t.Parallel()
	log := &records{}
	secret := errors.New("a secret")
	fail := func(how string) error {
		if how == "panic" {
			panic(secret)
		}
		if how == "fail" {
			return secret
		}
		return nil
	}
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1, Log: slog.New(log)}, actionhero.RoomMiddleware{
		Join: func(_ context.Context, _ *actionhero.Conn, room string) error { return fail(room) },
		Say:  func(_ context.Context, _ *actionhero.Conn, _, text string) (string, error) { return text, fail(text) },
		Deliver: func(_ *actionhero.Conn, d *actionhero.RoomMessage) bool {
			return fail(strings.Trim(string(d.Body), `"`)) == nil
		},
	})
	ann, annGets := connect(t, api, "a")
	bob, bobGets := connect(t, api, "a")
	for _, how := range []string{"panic", "fail"} {
		for what, err := range map[string]error{
			"Join":          api.Rooms.Move(t.Context(), ann, how),
			"Add":           api.Rooms.Join(t.Context(), ann, how),
			"Say":           api.Rooms.Say(t.Context(), ann, "", how),
			"Say in a room": api.Rooms.Say(t.Context(), ann, "a", how),
			"Say by no one": api.Rooms.Say(t.Context(), nil, "a", how),
		} {
			failed(t, how+" of "+what, err, actionhero.CodeInternal, internal)
		}
	}
	if rooms := ann.Rooms(); !cmp.Equal(rooms, []string{"a"}) {
		t.Errorf("after that she is in %q", rooms)
	}
	for _, message := range []string{"fail", "panic", "fine"} {
		if err := api.Rooms.Broadcast(t.Context(), "a", message); err != nil {
			t.Errorf("Broadcast %s: %v", message, err)
		}
	}
	for _, got := range [][]string{annGets.take(), bobGets.take()} {
		if !cmp.Equal(got, []string{`"fine" from actionHero API`}) {
			t.Errorf("a member read %q", got)
		}
	}
	if lines := log.take(); len(lines) != 1 || !strings.Contains(lines[0], "a Deliver of a room middleware failed") || !strings.Contains(lines[0], "panic: a secret") {
		t.Errorf("one message that made Deliver panic twice is logged as %q", lines)
	}
	transport.Of(api).Disconnect(ann)
	transport.Of(api).Disconnect(bob)
}

// records is a log that keeps its lines.
type records struct {
	mu    sync.Mutex
	lines []string
}

func (r *records) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (r *records) WithAttrs([]slog.Attr) slog.Handler               { return r }
func (r *records) WithGroup(string) slog.Handler                    { return r }

func (r *records) Handle(_ context.Context, record slog.Record) error {
	line := record.Message
	record.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	return nil
}

func (r *records) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

// A hook has the time that an action has, and not for ever.
func TestRoomMiddlewareIsTimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wait := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		api := newAPI(t, actionhero.Config{ActionTimeout: time.Minute}, actionhero.RoomMiddleware{
			Join: func(ctx context.Context, _ *actionhero.Conn, room string) error {
				if room == "slow" {
					return wait(ctx)
				}
				return nil
			},
			Say: func(ctx context.Context, _ *actionhero.Conn, _, text string) (string, error) { return text, wait(ctx) },
		})
		c, _ := connect(t, api, "a")
		for what, do := range map[string]func() error{
			"Join": func() error { return api.Rooms.Move(t.Context(), c, "slow") },
			"Say":  func() error { return api.Rooms.Say(t.Context(), c, "", "x") },
		} {
			began := time.Now()
			failed(t, what, do(), actionhero.CodeDeadlineExceeded, "The request took too long")
			if took := time.Since(began); took != time.Minute {
				t.Errorf("%s took %v", what, took)
			}
		}
		transport.Of(api).Disconnect(c)
	})
}

// A slow hook blocks only the client that it was called for, which may even disconnect in the meantime.
func TestSlowRoomMiddlewareBlocksOneClient(t *testing.T) {
	t.Parallel()
	begun, open := make(chan struct{}), make(chan struct{})
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1}, actionhero.RoomMiddleware{
		Join: func(_ context.Context, c *actionhero.Conn, room string) error {
			if c.Detail("slow") != nil {
				begun <- struct{}{}
				<-open
			}
			return nil
		},
		Say: func(_ context.Context, from *actionhero.Conn, _, text string) (string, error) {
			if from.Detail("slow") != nil {
				begun <- struct{}{}
				<-open
			}
			return text, nil
		},
	})
	slow, _ := connect(t, api, "a")
	ann, _ := connect(t, api, "b")
	bob, bobGets := connect(t, api, "b")
	steps(t, slow.SetDetail("slow", true))
	joined, said := make(chan error, 1), make(chan error, 1)
	go func() { said <- api.Rooms.Say(t.Context(), slow, "", "too late") }()
	<-begun
	go func() { joined <- api.Rooms.Move(t.Context(), slow, "b") }()
	<-begun
	steps(t, api.Rooms.Say(t.Context(), ann, "", "hi"), api.Rooms.Move(t.Context(), ann, "a"), api.Rooms.Join(t.Context(), bob, "a"), api.Rooms.Say(t.Context(), ann, "", "ho"))
	if got := bobGets.take(); !cmp.Equal(got, []string{`"hi" from ` + ann.ID, `"ho" from ` + ann.ID + " in a"}) {
		t.Errorf("bob read %q", got)
	}
	transport.Of(api).Disconnect(slow)
	close(open)
	failed(t, "entering once gone", <-joined, actionhero.CodeCanceled, "the client has gone")
	steps(t, <-said)
	if status, err := api.Rooms.Status(t.Context(), "b"); err != nil || status.MembersCount != 1 {
		t.Errorf("who is in b: %+v, %v", status, err)
	}
	transport.Of(api).Disconnect(ann)
	transport.Of(api).Disconnect(bob)
	if n := api.Rooms.RoomsHere(); n != 0 {
		t.Errorf("%d rooms are left", n)
	}
}

// A hook finds the request of the action that speaks, and so the address of a client without a connection.
func TestRoomMiddlewareSeesTheRequest(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, actionhero.RoomMiddleware{
		Say: func(ctx context.Context, from *actionhero.Conn, room, text string) (string, error) {
			if req := actionhero.RequestFrom(ctx); from != nil || req.Action != "shout" || room != "a" {
				t.Errorf("it is asked about %v by %q in %q", from, req.Action, room)
			}
			return "", actionhero.Errorf(actionhero.CodeUnauthenticated, "who are you?")
		},
	}, actionhero.Action[actionhero.None, actionhero.None]{
		Name: "shout",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			return n, actionhero.RequestFrom(ctx).API.Rooms.Say(ctx, nil, "a", "hey")
		},
	})
	_, err := dispatch(t, api, "shout")
	failed(t, "the action", err, actionhero.CodeUnauthenticated, "who are you?")
}

func TestRoomMiddlewareIsChecked(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	if err := api.Register(actionhero.RoomMiddleware{}); err == nil || !strings.Contains(err.Error(), "set Join, Say or Deliver") {
		t.Errorf("one without a function is registered: %v", err)
	}
}

// encoder is a client of a wire on which messages are texts.
type encoder struct {
	wire string
	made *int // how many texts were made for this wire

	mu    sync.Mutex
	texts []string
}

func (e *encoder) Deliver(d *actionhero.RoomMessage) bool {
	text := transport.Encoded(d, e.wire, func(d *actionhero.RoomMessage) []byte {
		*e.made++
		return fmt.Appendf(nil, "%s %s further:%v", e.wire, d.Body, transport.NamesRoom(d))
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.texts = append(e.texts, string(text))
	return false
}

func (e *encoder) Flush()       {}
func (e *encoder) Close(string) {}

// A message is encoded once for each kind of wire, and once more for those who have another current room, however many
// get it and whatever a middleware decides.
func TestOneEncodingForEachWire(t *testing.T) {
	t.Parallel()
	got := 0
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1, DefaultChatRoom: "lobby"}, actionhero.RoomMiddleware{
		Deliver: func(to *actionhero.Conn, _ *actionhero.RoomMessage) bool { return to.Detail("deaf") == nil },
	})
	made := map[string]*int{"tcp": new(int), "ws": new(int)}
	var sinks []*encoder
	for i := range 40 {
		e := &encoder{wire: []string{"tcp", "ws"}[i%2]}
		e.made = made[e.wire]
		c := transport.Of(api).Connect(e.wire, netip.AddrPort{}, e)
		defer transport.Of(api).Disconnect(c)
		enter := api.Rooms.Move
		if i%4 > 1 {
			enter = api.Rooms.Join
		}
		if err := errors.Join(api.Rooms.Move(t.Context(), c, "lobby"), enter(t.Context(), c, "a")); err != nil {
			t.Fatal(err)
		}
		if i%10 == 9 {
			if err := c.SetDetail("deaf", true); err != nil {
				t.Fatal(err)
			}
		}
		sinks = append(sinks, e)
	}
	if err := api.Rooms.Broadcast(t.Context(), "a", "x"); err != nil {
		t.Fatal(err)
	}
	if *made["tcp"] != 2 || *made["ws"] != 2 {
		t.Errorf("it was encoded %d and %d times, want 2 and 2", *made["tcp"], *made["ws"])
	}
	for i, e := range sinks {
		want := fmt.Sprintf(`%s "x" further:%v`, e.wire, i%4 > 1)
		if len(e.texts) > 0 && e.texts[0] != want || len(e.texts) != 0 == (i%10 == 9) {
			t.Errorf("client %d got %q", i, e.texts)
		}
		got += len(e.texts)
	}
	if got != 36 {
		t.Errorf("%d clients got it, want 36", got)
	}
}

// A Join must not change anything. One that takes the client out of another room is not called for ever.
func TestAJoinThatKicksEnds(t *testing.T) {
	t.Parallel()
	one := actionhero.RoomMiddleware{Join: func(ctx context.Context, c *actionhero.Conn, room string) error {
		if room == "b" {
			_ = c.API().Rooms.Kick(ctx, c, "a")
		}
		return nil
	}}
	api := actionherotest.New(t, one)
	c := actionherotest.Connect(t, api, "a")
	done := make(chan error, 1)
	go func() { done <- api.Rooms.Join(t.Context(), c.Conn, "b") }()
	select {
	case err := <-done:
		if actionhero.AsError(err).Code != actionhero.CodeInternal || c.In("b") {
			t.Errorf("Join returns %v", err)
		}
	case <-time.After(2 * time.Second):
		t.Fatal("Join does not return")
	}
}
