//go:build hostile

// Command app is an app that the tests of package attack run as a process of its own. Its actions show what the server
// has done, and contain the mistakes that apps make.
package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/web"
)

func main() {
	cli.Main(builtin.Stock, web.Original, actions, rooms, private, pack)
}

// removed holds the ids that the action remove got.
var removed struct {
	sync.Mutex
	ids []string
}

// members holds the ids of the connections that may enter the room vip.
var members sync.Map

var worked atomic.Int64

type idInput struct {
	ID string `json:"id"`
}

type anyInput struct {
	Value any `json:"value"`
}

type textInput struct {
	Text string `json:"text" required:"true"`
}

type fileInput struct {
	Upload *actionhero.File `json:"upload" required:"true"`
}

type none = actionhero.None

var actions = actionhero.Parts{
	actionhero.Action[idInput, none]{
		Name: "remove", Description: "Deletes a record", Route: "DELETE /users/{id}", Kind: actionhero.KindDestructive,
		Run: func(_ context.Context, in idInput) (none, error) {
			removed.Lock()
			defer removed.Unlock()
			removed.ids = append(removed.ids, in.ID)
			return none{}, nil
		},
	},
	actionhero.Action[none, map[string]any]{
		Name: "removed", Description: "Lists the deleted records", Kind: actionhero.KindRead,
		Run: func(context.Context, none) (map[string]any, error) {
			removed.Lock()
			defer removed.Unlock()
			return map[string]any{"ids": strings.Join(removed.ids, ",")}, nil
		},
	},
	actionhero.Action[anyInput, none]{
		Name: "anything", Description: "Takes anything",
		Run: func(context.Context, anyInput) (none, error) { return none{}, nil },
	},
	actionhero.Action[none, map[string]any]{
		Name: "heap", Description: "Returns the live heap in bytes", Kind: actionhero.KindRead,
		Run: func(context.Context, none) (map[string]any, error) {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return map[string]any{"bytes": m.HeapAlloc}, nil
		},
	},
	actionhero.Action[none, none]{
		Name: "login", Description: "Lets this connection into the room vip",
		Run: func(ctx context.Context, _ none) (none, error) {
			if c := actionhero.RequestFrom(ctx).Conn; c != nil {
				members.Store(c.ID, true)
			}
			return none{}, nil
		},
	},
	actionhero.Action[textInput, none]{
		Name: "keep", Description: "Keeps a text in the cache",
		Run: func(ctx context.Context, in textInput) (none, error) {
			return none{}, actionhero.RequestFrom(ctx).API.Cache.Set(ctx, "keep", in.Text, time.Hour)
		},
	},
	actionhero.Action[textInput, none]{
		Name: "work", Description: "Enqueues the task pack",
		Run: func(ctx context.Context, in textInput) (none, error) {
			_, err := pack.Enqueue(ctx, actionhero.RequestFrom(ctx).API, in)
			return none{}, err
		},
	},
	actionhero.Action[none, map[string]any]{
		Name: "worked", Description: "Counts the runs of the task pack", Kind: actionhero.KindRead,
		Run: func(context.Context, none) (map[string]any, error) { return map[string]any{"runs": worked.Load()}, nil },
	},
	actionhero.Action[none, map[string]any]{
		Name: "large", Description: "Answers much", Kind: actionhero.KindRead,
		Run: func(context.Context, none) (map[string]any, error) {
			return map[string]any{"text": strings.Repeat("x", 400<<10)}, nil
		},
	},
	actionhero.Action[none, *actionhero.Content]{
		Name: "nothing", Description: "Answers a Content without a Body",
		Run: func(context.Context, none) (*actionhero.Content, error) { return &actionhero.Content{}, nil },
	},
	actionhero.Action[none, *actionhero.Content]{
		Name: "breaks", Description: "Answers a Content whose Body panics",
		Run: func(context.Context, none) (*actionhero.Content, error) {
			return &actionhero.Content{Name: "a.txt", Body: panicking{}, Size: 100}, nil
		},
	},
	actionhero.Action[fileInput, none]{
		Name: "upload", Description: "Takes a file",
		Run: func(context.Context, fileInput) (none, error) { return none{}, nil },
	},
}

// panicking is a Body that panics.
type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("in Body.Read") }

var _ io.Reader = panicking{}

var pack = actionhero.Task[textInput]{
	Name: "pack", Description: "Counts its runs",
	Run: func(context.Context, textInput) error {
		worked.Add(1)
		return nil
	},
}

// rooms refuses the room vip to each connection that did not call login.
var rooms = actionhero.RoomMiddleware{
	Join: func(_ context.Context, c *actionhero.Conn, room string) error {
		if room != "vip" {
			return nil
		}
		if c != nil {
			if _, ok := members.Load(c.ID); ok {
				return nil
			}
		}
		return errors.New("only members")
	},
}

// private answers 401 below its path.
var private = web.Mount("/public/private/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "only for members", http.StatusUnauthorized)
}))
