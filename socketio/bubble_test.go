package socketio_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

// bubble is a server in a bubble of synctest, with a network in memory.
type bubble struct {
	*enginetest.Client
	api  *actionhero.API
	io   *socketio.Handler
	log  *testkit.Recorder
	gate *testkit.Gate
}

// inBubble runs a test with a bubble. change may change the configuration.
func inBubble(t *testing.T, change func(*actionhero.Config, *socketio.Config), test func(*testing.T, *bubble), parts ...actionhero.Part) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{log: new(testkit.Recorder), gate: testkit.NewGate()}
		general := actionhero.Config{
			Backend: local.New(local.Config{}), Log: slog.New(b.log), FlatFileDirectory: t.TempDir(), AnnounceLimit: -1,
		}
		cfg := socketio.Config{Origins: []string{"https://friend.example"}}
		if change != nil {
			change(&general, &cfg)
		}
		var err error
		if b.api, err = actionhero.New(general, append(parts, echo, slow, file, b.gate.Action())...); err != nil {
			t.Fatal(err)
		}
		b.io = socketio.New(b.api, cfg)
		b.api.Add(b.io)
		if err := b.api.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		var closeServer func()
		b.Client, closeServer = enginetest.Serve(t, b.io)
		test(t, b)
		if err := b.api.Stop(t.Context()); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if n := b.io.Clients(); n != 0 {
			t.Errorf("%d clients are left", n)
		}
		closeServer()
	})
}

// logged reports whether the log has text, after everything that the server does now is done: a client may see the end of
// its connection before the server has written the line about it.
func (b *bubble) logged(text string) bool {
	synctest.Wait()
	return b.log.Has(text)
}

var slow = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "slow", Description: "Takes 200 ms",
	Run: func(ctx context.Context, _ actionhero.None) (out actionhero.None, err error) {
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
		return out, ctx.Err()
	},
}

var file = actionhero.Action[actionhero.None, *actionhero.Content]{
	Name: "aFile", Description: "Answers with bytes",
	Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
		return &actionhero.Content{Name: "a.txt", Body: strings.NewReader("bytes")}, nil
	},
}

// welcome is the packet that follows the reply to a connect.
const welcome = `42["welcome",{"welcome":"Hello! Welcome to the actionHero api","room":"defaultRoom","context":"api"}]`

// join connects a client over WebSocket and returns its id.
func (b *bubble) join() (k *enginetest.Socket, id string) {
	b.T.Helper()
	k = b.OpenSocket()
	k.Send("40")
	id = b.sid(k.Next())
	k.Want(welcome)
	return k, id
}

// sid returns the id in the reply to a connect.
func (b *bubble) sid(text string) string {
	b.T.Helper()
	rest, ok := strings.CutPrefix(text, `40{"sid":"`)
	id, ended := strings.CutSuffix(rest, `"}`)
	if !ok || !ended || len(id) != 36 {
		b.T.Fatalf("the connect is answered with %q", text)
	}
	return id
}
