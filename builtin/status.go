package builtin

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"runtime/metrics"
	"slices"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/command"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// StatusOutput is the output of [Status].
type StatusOutput struct {
	Stats Stats `json:"stats"`
}

// Stats is the report of one node, which [Status] returns. A transport that is off has no section in the report.
type Stats struct {
	ID                string
	UptimeSeconds     float64
	MemoryConsumption uint64         // bytes
	Sections          map[string]any // by name; encoded as members of the report

	Stranger bool   // the report has only the members "up", which is true, and "version"
	Version  string // Config.APIVersion; only for a stranger
}

// sectionOrder lists the first sections of the report, in the order that clients expect. All other sections follow,
// sorted by name.
var sectionOrder = []string{"peers", "cache", "socketServer", "webSocketServer", "webServer", "queue"}

// MarshalJSON encodes the report as one JSON object whose members are ID, uptime, memory and the sections.
func (s Stats) MarshalJSON() ([]byte, error) {
	if s.Stranger {
		return append(jsonx.AppendString([]byte(`{"up":true,"version":`), s.Version), '}'), nil
	}
	out, err := jsonx.Marshal(struct {
		ID     string  `json:"id"`
		Uptime float64 `json:"uptimeSeconds"`
		Memory uint64  `json:"memoryConsumption"`
	}{s.ID, s.UptimeSeconds, s.MemoryConsumption})
	if err != nil {
		return nil, err
	}
	out = out[:len(out)-1]
	for _, name := range slices.SortedFunc(maps.Keys(s.Sections), func(a, b string) int { return cmp.Or(rank(a)-rank(b), cmp.Compare(a, b)) }) {
		out = append(jsonx.AppendString(append(out, ','), name), ':')
		if out, err = jsonx.Append(out, s.Sections[name]); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// Status is the action "status". A client on the machine of the server, and a caller in its process, read the same as
// from [FullStatus]. Other clients read that the server is up, and Config.APIVersion. A request that a proxy has passed
// on is not local, if the proxy sets one of the headers X-Forwarded-For, X-Real-IP, Forwarded and Via; nor is a client
// over WebSocket or Socket.IO, because its headers are not known.
var Status = statusAction(isLocal)

// FullStatus is the action "status", which returns the id, uptime and memory of the node, and one section for each
// component that reports a section, to any client. To limit it to some clients, set the field Middleware of a copy.
var FullStatus = statusAction(func(*actionhero.Request) bool { return true })

// statusAction returns the action "status", which shows all only to the requests for which full returns true.
func statusAction(full func(*actionhero.Request) bool) actionhero.Action[actionhero.None, StatusOutput] {
	return actionhero.Action[actionhero.None, StatusOutput]{
		Name:        "status",
		Description: "Returns the state of this server and what it has served",
		Kind:        actionhero.KindRead,
		Run: func(ctx context.Context, _ actionhero.None) (StatusOutput, error) {
			req := actionhero.RequestFrom(ctx)
			api := req.API
			if !full(req) {
				return StatusOutput{Stats{Stranger: true, Version: api.Config().APIVersion}}, nil
			}
			sections, err := api.Stats.Report(ctx)
			if err != nil {
				api.Log().Error("the status lacks a section", "error", err.Error())
			}
			return StatusOutput{Stats{
				ID: api.Stats.ID(), UptimeSeconds: float64(api.Uptime().Milliseconds()) / 1000,
				MemoryConsumption: liveMemory(), Sections: sections,
			}}, nil
		},
	}
}

// proxyHeaders are the headers by which a proxy says that it has passed on a request.
var proxyHeaders = []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via"}

// isLocal reports whether the request comes from this machine.
func isLocal(req *actionhero.Request) bool {
	switch {
	case req.RemoteIP == "" && req.Conn == nil: // a call within the process
		return true
	case req.Transport == "websocket" || req.Transport == "socketio":
		return false
	}
	ip, err := netip.ParseAddr(req.RemoteIP)
	return err == nil && ip.Unmap().IsLoopback() &&
		!slices.ContainsFunc(proxyHeaders, func(name string) bool { return req.Header(name) != "" })
}

// liveMemory returns the total size, in bytes, of all objects on the heap of this process. Dead objects that the
// garbage collector has not freed yet are included.
func liveMemory() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func rank(name string) int {
	if i := slices.Index(sectionOrder, name); i >= 0 {
		return i
	}
	return len(sectionOrder)
}

// ActionsViewOutput is the output of [ActionsView].
type ActionsViewOutput struct {
	Actions []ActionView `json:"actions"`
}

// ActionView documents one action or one command of a transport, as [ActionsView] returns it.
type ActionView struct {
	Name          string     `json:"name"`
	Description   string     `json:"description"`
	Inputs        InputsView `json:"inputs"`
	OutputExample rawJSON    `json:"outputExample"`
	Kind          string     `json:"kind,omitzero"`       // "read", "write" or "destructive"; empty for a command
	Idempotent    bool       `json:"idempotent,omitzero"` // a second equal call changes nothing more
	// IdempotencyKey is "optional" or "required" if the action takes idempotency keys, and otherwise empty.
	IdempotencyKey string   `json:"idempotencyKey,omitzero"`
	Routes         []string `json:"routes,omitzero"`      // HTTP routes in addition to /api/NAME
	InputSchema    rawJSON  `json:"inputSchema,omitzero"` // JSON Schema of the inputs with all their rules; empty for a command
	Deprecated     string   `json:"deprecated,omitzero"`  // since when, and what to call instead; empty: the action is not deprecated
	Version        int      `json:"version,omitzero"`     // of several actions with this name; 0: the action has no versions
}

// InputsView lists the names of the required and of the optional inputs of an action.
type InputsView struct {
	Required []string `json:"required"`
	Optional []string `json:"optional"`
}

// rawJSON is a JSON value that is already encoded.
type rawJSON []byte

// MarshalJSON returns the bytes of r unchanged.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

// ActionsView is the action "actionsView", which returns the name, description, inputs, kind and routes of every action of
// the API.
// For a persistent client, the list also has the commands of the client's transport.
var ActionsView = actionhero.Action[actionhero.None, ActionsViewOutput]{
	Name:        "actionsView",
	Description: "Lists the actions of this server with their inputs",
	Kind:        actionhero.KindRead,
	Run: func(ctx context.Context, _ actionhero.None) (ActionsViewOutput, error) {
		req := actionhero.RequestFrom(ctx)
		views := []ActionView{}
		for _, info := range req.API.Actions() {
			view := ActionView{
				Name: info.Name, Description: info.Description, Inputs: InputsView{[]string{}, []string{}}, OutputExample: rawJSON(info.OutputExample),
				Kind: info.Kind.String(), Idempotent: info.Idempotent, Routes: info.Routes, InputSchema: rawJSON(info.InputSchema), Version: info.Version,
			}
			if info.Deprecated != nil {
				view.Deprecated = info.Deprecated.String()
			}
			if info.IdempotencyKey != actionhero.KeyIgnored {
				view.IdempotencyKey = info.IdempotencyKey.String()
			}
			for _, in := range info.Inputs {
				if in.Required {
					view.Inputs.Required = append(view.Inputs.Required, in.Name)
				} else {
					view.Inputs.Optional = append(view.Inputs.Optional, in.Name)
				}
			}
			views = append(views, view)
		}
		if req.Conn != nil {
			for _, c := range command.Of(req.Conn.Transport) {
				views = append(views, ActionView{Name: c.Name, Description: c.Description, Inputs: InputsView{[]string{}, []string{}}, OutputExample: rawJSON("{}")})
			}
			slices.SortFunc(views, func(a, b ActionView) int { return cmp.Compare(a.Name, b.Name) })
		}
		return ActionsViewOutput{views}, nil
	},
}
