package actionhero

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/actionhero-go/actionhero/internal/schema"
)

// Description describes an app for clients, documents and tools. [API.Describe] makes it from the declared parts: the
// types of the inputs and outputs, their rules, the routes and the access. Its slices must not be modified.
type Description struct {
	Name            string           // Config.ServerName
	Version         string           // Config.APIVersion
	Actions         []ActionInfo     // sorted by name, the versions of one action from the newest on
	Tasks           []TaskInfo       // sorted by name
	Events          []EventInfo      // of rooms, sorted by name
	SecuritySchemes []SecurityScheme // the ways in which a client says who it is, in the order of their registration
}

// Describe returns the description of all registered actions, tasks, events and security schemes. Two calls return the same
// description, unless a part is registered in between. See [Description.For] for the part of one caller.
func (api *API) Describe() Description {
	reg := api.registry.Load()
	return Description{
		Name: api.cfg.ServerName, Version: api.cfg.APIVersion,
		Actions: api.Actions(), Tasks: api.Tasks.Registered(), Events: reg.describeEvents(), SecuritySchemes: slices.Clone(reg.schemes),
	}
}

// For returns the description of what who may call over a transport, such as [TransportWeb]. An empty transport means
// every one. An action with an [Allow] is included, because its rule depends on the input. Clients cannot call tasks, so
// there are none. An event is included if who may enter its rooms, except over [TransportWeb], whose clients are in no
// room.
func (d Description) For(who Identity, transport string) Description {
	d.Tasks = nil
	d.Actions = slices.DeleteFunc(slices.Clone(d.Actions), func(info ActionInfo) bool {
		return transport != "" && !info.IsOver(transport) || !info.Access.Allows(who)
	})
	d.Events = slices.DeleteFunc(slices.Clone(d.Events), func(info EventInfo) bool {
		return transport == TransportWeb || !info.Allows(who)
	})
	return d
}

// Allows reports whether the rule lets who run an action, as far as it does not depend on the input. An expired identity
// counts as anonymous. The zero value of Access refuses no caller.
func (a Access) Allows(who Identity) bool {
	if a.level != levelKnown {
		return true
	}
	who = (&who).current()
	return who.Known() && a.refuseKnown(&who) == nil
}

// Action returns the description of the action with this name, or nil. Of an action with versions, it is the newest one in
// the description. A name such as "v2/NAME" finds that version.
func (d Description) Action(name string) *ActionInfo {
	for i := range d.Actions {
		if d.Actions[i].Name == name || d.Actions[i].VersionedName() == name {
			return &d.Actions[i]
		}
	}
	return nil
}

// SecurityScheme is a [Part] that describes how a client sends a credential, for documents. It checks nothing: an
// [Authenticator] does. The parts of package auth have one each.
type SecurityScheme struct {
	Name        string // 1 to 64 letters, digits and _ . -; two schemes of one app differ in it; required
	Type        string // "http", "apiKey" or "mutualTLS", in the words of OpenAPI; required
	Scheme      string // of the type "http": "bearer" or "basic"
	In, Key     string // of the type "apiKey": "header", "query" or "cookie", and the name there
	Description string // one sentence for people; default: none
}

func (s SecurityScheme) register(r *registry) error {
	wrong := ""
	switch {
	case !actionName.MatchString(s.Name):
		return fmt.Errorf("SecurityScheme name %q is not allowed: use 1 to 64 letters, digits and _ . -", s.Name)
	case !slices.Contains([]string{"http", "apiKey", "mutualTLS"}, s.Type):
		wrong = fmt.Sprintf("has the Type %q: use http, apiKey or mutualTLS", s.Type)
	case s.Type == "http" && s.Scheme == "":
		wrong = "has the Type http, but no Scheme: use bearer or basic"
	case s.Type == "apiKey" && (s.Key == "" || !slices.Contains([]string{"header", "query", "cookie"}, s.In)):
		wrong = "has the Type apiKey: set In to header, query or cookie, and Key to the name there"
	}
	if wrong != "" {
		return errors.New("SecurityScheme " + s.Name + " " + wrong)
	}
	if i := slices.IndexFunc(r.schemes, func(other SecurityScheme) bool { return other.Name == s.Name }); i >= 0 {
		if r.schemes[i] == s {
			return nil
		}
		return fmt.Errorf("two SecuritySchemes are named %q: rename one", s.Name)
	}
	r.schemes = append(slices.Clip(r.schemes), s)
	return nil
}

// Types returns the Go types of the input and of the output, for generators of documents and clients. The output of an
// action that returns bytes is *[Content].
func (i *ActionInfo) Types() (in, out reflect.Type) { return i.in, i.out }

// IsOver reports whether clients of the transport, such as [TransportWeb], may call the action.
func (i *ActionInfo) IsOver(transport string) bool {
	return len(i.Transports) == 0 || slices.Contains(i.Transports, transport)
}

// EventData returns the type of the data in the server-sent events of the action, or nil if its output type does not say that
// it sends events. The output type says it by a method EventData, as web.EventsOf has.
func (i *ActionInfo) EventData() reflect.Type {
	if i.out.Kind() != reflect.Struct {
		return nil
	}
	if stream, ok := reflect.Zero(i.out).Interface().(interface{ EventData() reflect.Type }); ok {
		return stream.EventData()
	}
	return nil
}

// ReturnsContent reports whether the action returns a stream of bytes instead of an object.
func (i *ActionInfo) ReturnsContent() bool { return i.out == contentType }

// describe returns the description of an action with the defaults of the app in the place of zero values.
func (r *registry) describe(act *action, cfg *Config) ActionInfo {
	act.describeTypes()
	info := act.info
	info.Access = *r.access(&info.Access)
	if info.Timeout = act.limit; info.Timeout == 0 {
		info.Timeout = cfg.ActionTimeout
	}
	info.Timeout = max(info.Timeout, 0)
	if !info.Strict && cfg.StrictParams {
		info.Strict, info.InputSchema = true, act.strictSchema()
	}
	info.Errors = codesOf(&info, cfg)
	r.describeVersion(act, &info)
	return info
}

// codesOf returns the codes of the errors that a call of the action may have because of its declaration.
func codesOf(info *ActionInfo, cfg *Config) []Code {
	codes := []Code{CodeInternal, CodeCanceled, CodeUnavailable}
	add := func(is bool, code Code) {
		if is {
			codes = append(codes, code)
		}
	}
	guarded := info.Access.level == levelKnown || len(info.Access.allows) > 0
	add(len(info.Inputs) > 0 || info.Strict || info.RawBody || info.IdempotencyKey != KeyIgnored, CodeInvalidInput)
	add(guarded, CodeUnauthenticated)
	add(guarded, CodePermissionDenied)
	add(cfg.RequestLimit > 0 || info.IdempotencyKey != KeyIgnored, CodeResourceExhausted)
	add(info.IdempotencyKey != KeyIgnored, CodeConflict)
	add(info.Timeout > 0, CodeDeadlineExceeded)
	slices.Sort(codes)
	return codes
}

// describeActions returns descriptions of all registered actions, sorted by name.
func (r *registry) describeActions(cfg *Config) []ActionInfo {
	infos := make([]ActionInfo, 0, len(r.actions))
	for act := range r.all() {
		infos = append(infos, r.describe(act, cfg))
	}
	return infos
}

// inputSchemaOf returns the JSON Schema of the inputs of type t.
func inputSchemaOf(t reflect.Type, strict bool) []byte {
	return schema.InputSchema(t, reflect.TypeFor[File](), strict)
}
