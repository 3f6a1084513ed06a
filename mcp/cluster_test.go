package mcp_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/server"
)

// turns is a proxy that sends each request to the next node.
type turns struct {
	nodes []*testkit.HTTPClient
	asked [2]atomic.Int32
	next  atomic.Int32
}

func (p *turns) RoundTrip(r *http.Request) (*http.Response, error) {
	i := int(p.next.Add(1)) % len(p.nodes)
	p.asked[i].Add(1)
	r = r.Clone(r.Context())
	to, err := url.Parse(p.nodes[i].Base)
	if err != nil {
		return nil, err
	}
	r.URL.Host, r.Host = to.Host, to.Host
	return p.nodes[i].Transport.RoundTrip(r)
}

// Behind a proxy that is not sticky, each message of an agent reaches another node. All of them are answered, a repeated call
// runs once in the cluster, and one node takes the confirmation for which the other has asked.
func TestAnAgentMayReachAnotherNodeWithEachMessage(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	var paid, removed atomic.Int32
	pay := close("pay")
	pay.IdempotencyKey = actionhero.KeyOptional
	runPay := pay.Run
	pay.Run = func(ctx context.Context, in ticketInput) (ticket, error) {
		paid.Add(1)
		return runPay(ctx, in)
	}
	remove := does("remove", func(context.Context) error {
		removed.Add(1)
		return nil
	})
	remove.Kind = actionhero.KindDestructive
	proxy := &turns{}
	for _, id := range []string{"first", "second"} {
		s := start(t, func(cfg *server.Config) { cfg.General.ID, cfg.General.Backend = id, net.Node() }, isTool(pay), isTool(remove), noteParts())
		proxy.nodes = append(proxy.nodes, s.HTTP(t))
	}
	for i, version := range versions {
		paid.Store(0)
		removed.Store(0)
		questions := 0
		client := sdk.NewClient(&sdk.Implementation{Name: "tester", Version: "1"}, &sdk.ClientOptions{
			ElicitationHandler: func(context.Context, *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
				questions++
				return &sdk.ElicitResult{Action: "accept"}, nil
			},
		})
		session, err := client.Connect(t.Context(), &sdk.StreamableClientTransport{
			Endpoint: "http://cluster.example/mcp", HTTPClient: &http.Client{Transport: proxy}, DisableStandaloneSSE: true, MaxRetries: -1,
		}, &sdk.ClientSessionOptions{ProtocolVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if got := names(t, session); !slices.Equal(got, []string{"pay", "remove"}) {
				t.Errorf("%s: the tools are %v", version, got)
			}
			params := toolCall("pay", map[string]any{"id": "12"})
			params.Meta = sdk.Meta{"idempotencyKey": "order " + version}
			if got, err := session.CallTool(t.Context(), params); err != nil || got.IsError || structured(t, got) != `{"id":"12","votes":3}` {
				t.Errorf("%s: %+v, %v", version, got, err)
			}
			if got, err := session.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "note:///7"}); err != nil || len(got.Contents) != 1 {
				t.Errorf("%s: %v, %v", version, got, err)
			}
			if got := call(t, session, "remove", nil); got.IsError {
				t.Errorf("%s: %s", version, text(t, got))
			}
		}
		if paid.Load() != 1 || removed.Load() != 4 {
			t.Errorf("%s: pay has run %d times, remove %d times", version, paid.Load(), removed.Load())
		}
		if i == 0 && questions != 4 { // a client with a session can be asked by the node of the session only
			t.Errorf("the user was asked %d times", questions)
		}
		_ = session.Close()
	}
	if a, b := proxy.asked[0].Load(), proxy.asked[1].Load(); a < 10 || b < 10 {
		t.Errorf("the nodes have got %d and %d messages", a, b)
	}
}
