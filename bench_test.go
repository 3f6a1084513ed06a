package actionhero_test

import (
	"context"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

type benchIn struct {
	Name string `json:"name" required:"true" maxLength:"50"`
	Age  int    `json:"age" minimum:"0" maximum:"150" default:"1"`
}

type benchOut struct {
	Name string `json:"name"`
	Age  int    `json:"age"`
}

var benchAction = actionhero.Action[benchIn, benchOut]{
	Name: "bench",
	Run:  func(_ context.Context, in benchIn) (benchOut, error) { return benchOut(in), nil },
}

// BenchmarkDispatch is the hot path of every transport: a request with two inputs, decoded, checked, run through a
// middleware, and its answer encoded.
func BenchmarkDispatch(b *testing.B) {
	api := newAPI(b, actionhero.Config{}, benchAction)
	api.Use(func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) { return next(ctx, req) }
	})
	ctx, host := b.Context(), transport.Of(api)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		req := host.NewRequest("bench")
		req.Action = "bench"
		params := transport.ParamsOf(&req.Params)
		_ = params.Add("name", "Evan")
		_ = params.Add("age", "33")
		out, err := host.Dispatch(ctx, req)
		if err != nil {
			b.Fatal(err)
		}
		if buf, err = transport.AppendOutput(buf[:0], req, out); err != nil {
			b.Fatal(err)
		}
	}
}
