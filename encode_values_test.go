package actionhero_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

type panicsAsJSON struct{}

func (panicsAsJSON) MarshalJSON() ([]byte, error) { panic("as asked") }

type silent struct{}

func (silent) Deliver(*actionhero.RoomMessage) bool { return false }
func (silent) Flush()                               {}
func (silent) Close(string)                         {}

// A value of the app that contains itself, or whose Marshal method panics, is an error of the call that takes the value.
// It ends neither the process nor the goroutine of a connection.
func TestAValueThatDoesNotEncodeFailsTheCallAlone(t *testing.T) {
	t.Parallel()
	type in struct {
		V any `json:"v"`
	}
	var value any
	action := actionhero.Action[in, map[string]any]{
		Name: "answer",
		Run:  func(context.Context, in) (map[string]any, error) { return map[string]any{"v": value}, nil },
	}
	task := actionhero.Task[in]{Name: "task", Run: func(context.Context, in) error { return nil }}
	api := newAPI(t, actionhero.Config{}, action, task)
	host := transport.Of(api)
	conn := host.Connect("test", netip.AddrPort{}, silent{})
	defer host.Disconnect(conn)
	var cycle any
	cycle = &cycle
	for name, v := range map[string]any{"a cycle": cycle, "a cycle in a map": map[int]any{1: cycle}, "a panic": panicsAsJSON{}, "a panic in a list": []any{panicsAsJSON{}}} {
		value = v
		ctx := t.Context()
		for call, run := range map[string]func() error{
			"an output": func() error {
				req := host.NewRequest("test")
				req.Action = "answer"
				out, err := host.Dispatch(ctx, req)
				if err == nil {
					_, err = transport.AppendOutput(nil, req, out)
				}
				return err
			},
			"Action.Call":     func() error { _, err := action.Call(ctx, api, in{v}); return err },
			"Task.Call":       func() error { return task.Call(ctx, api, in{v}) },
			"Task.Enqueue":    func() error { _, err := task.Enqueue(ctx, api, in{v}); return err },
			"Tasks.Enqueue":   func() error { _, err := api.Tasks.Enqueue(ctx, "task", map[string]any{"v": v}); return err },
			"Rooms.Broadcast": func() error { return api.Rooms.Broadcast(ctx, "room", v) },
			"Rooms.SendTo":    func() error { return api.Rooms.SendTo(ctx, conn.ID, v) },
			"BroadcastNode":   func() error { _, err := api.Rooms.BroadcastNode(ctx, map[string]any{"v": v}); return err },
			"SetDetail":       func() error { return conn.SetDetail("v", v) },
			"Cache.Set":       func() error { return api.Cache.Set(ctx, "v", v, time.Minute) },
		} {
			if err := run(); err == nil {
				t.Errorf("%s accepts %s", call, name)
			}
		}
	}
}
