package actionhero

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/envelope"
	"github.com/actionhero-go/actionhero/internal/route"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// None is the input type of an action or a task without inputs. As the output type of an action, None adds no members
// to the answer.
type None struct{}

var noneType = reflect.TypeFor[None]()

// Action is the declaration of an operation that clients can call over any transport. Set its fields and pass the
// Action to cli.Main, server.New, [New] or [API.Register].
//
// In is a struct type whose fields are the inputs. The tags of the fields document, accept and check the inputs; the
// package comment lists the tags. Out is the type of the output: a struct or a map with string keys, whose members
// become members of the answer. If Out is [None], the answer is empty. If Out is *[Content], the answer is a stream of
// bytes.
type Action[In, Out any] struct {
	Name        string         // the name by which clients call the action: 1 to 64 letters, digits and _ . : -; required
	Description string         // one sentence for people, shown by actionsView
	Version     int            // of several actions with one Name, 1 or more: each has its own, and the greatest is the default; default: none
	Route       string         // an HTTP route in addition to /api/NAME: "POST /users/{id}", "GET /docs/{path...}"; default: none
	Routes      []string       // further routes; default: none
	Middleware  []Middleware   // wraps this action only, outermost first, inside the API's middleware; default: none
	Strict      bool           // refuse unknown params, also in nested structs; default: Config.StrictParams
	Timeout     time.Duration  // time limit of a call; negative: no limit; default: Config.ActionTimeout
	Kind        Kind           // whether a call may change or delete something; default: KindWrite
	Idempotent  bool           // a second equal call changes nothing more, so clients may retry; implied by KindRead
	Access      Access         // the rule for its callers; default: the DefaultAccess of the app
	Transports  []string       // the transports that may call it, such as TransportTCP; default: all
	Meta        map[string]any // facts for middleware, which reads them with [Request.Info]; must not be modified; default: none
	RawBody     bool           // over HTTP, accept every content type and keep the body for [Request.Body]; default: false
	MaxBody     int64          // bytes of a request's body over HTTP, and of its params elsewhere; default: the limit of the transport

	// IdempotencyKey declares whether a call may or must have an idempotency key, with which the action runs once and further
	// calls read the answer of that run. See [KeyUse] for the promises; default: KeyIgnored.
	IdempotencyKey KeyUse

	// Deprecated declares that clients should stop calling the action, see [Deprecation]; default: they may go on.
	Deprecated *Deprecation

	// Tool makes the action a tool that AI agents may call, see [Tool]; default: agents cannot call it.
	Tool *Tool

	Resource *Resource // makes the action a resource that AI agents may read; default: none
	Prompt   *Prompt   // makes the action a prompt that the users of AI agents may choose; default: none

	// Run does the work. The input in is decoded and checked. If Run returns an *[Error], the client receives that
	// Error unchanged. Any other error is logged, and the client receives an internal error.
	Run func(ctx context.Context, in In) (Out, error)
}

// Kind declares what a call of an action may change. Package web lets a browser page of another site call only actions
// of [KindRead]. Documents and tools for agents show the kind.
//
// An action of KindRead cannot have a route with PUT, PATCH or DELETE, because these methods are for changes. It may have
// a route with POST, for example a search whose query is a body.
type Kind uint8

// The kinds of actions.
const (
	KindWrite       Kind = iota // the action may change something; the default
	KindRead                    // the action changes nothing
	KindDestructive             // the action may delete or overwrite something for good
	kindCount
)

var kindNames = [kindCount]string{"write", "read", "destructive"}

// String returns "write", "read" or "destructive".
func (k Kind) String() string {
	if k < kindCount {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Part is one element of an app: an [Action], a [Task], an [Event], a [NodeCall], an [Initializer], a [RoomMiddleware], a [Section] or a list of [Parts]. The
// method of Part is not exported, so other packages cannot add kinds of parts. To add anything else to an API, use an
// Initializer.
type Part interface {
	register(*registry) error
}

// Parts is a list of actions, tasks, initializers, room middlewares and other lists. Parts is a [Part], so lists can be
// nested.
type Parts []Part

func (ps Parts) register(r *registry) error {
	for i, p := range ps {
		if p == nil {
			return fmt.Errorf("part %d of a list of parts is nil: every entry must be an action, a task, an initializer or a list", i)
		}
		if err := p.register(r); err != nil {
			return err
		}
	}
	return nil
}

// ActionInfo describes a registered action. [API.Actions] returns one ActionInfo for each action.
type ActionInfo struct {
	Name, Description string
	Version           int  // of the Action; 0: the action has no versions
	Superseded        bool // a newer version exists, which runs unless the client asks for this one; set by [API.Actions]
	Inputs            []Input
	InputSchema       []byte   // the JSON Schema (2020-12) of the inputs; a secret input is writeOnly, a file has the format "binary"
	Route             string   // the first of Routes; empty if the action has none
	Routes            []string // as in "POST /users/{id}"
	Kind              Kind
	Idempotent        bool           // true for each action of KindRead
	IdempotencyKey    KeyUse         // whether calls may or must have an idempotency key
	Access            Access         // the rule for its callers; [API.Actions] has the default of the app in the place of the zero value
	Transports        []string       // the transports that may call it; nil: all
	Meta              map[string]any // of the Action
	RawBody           bool           // the action reads Request.Body
	Tool              *Tool          // of the Action, with its defaults filled in; nil: agents cannot call the action
	Resource          *Resource      // of the Action, with its defaults filled in; or nil
	Prompt            *Prompt        // of the Action, with its defaults filled in; or nil
	Deprecated        *Deprecation   // of the Action; nil: clients may go on calling it; must not be modified
	OutputExample     []byte         // a JSON object
	OutputSchema      []byte         // the JSON Schema (2020-12) of the output; nil if the action returns a *Content
	MaxBody           int64          // bytes of a body; 0: the limit of the transport
	Strict            bool           // unknown params are refused; [API.Actions] also has the default of the app
	Timeout           time.Duration  // time limit of a call; 0: none; set by [API.Actions]
	Errors            []Code         // the codes of errors that the declaration causes; Run may return others; set by [API.Actions]

	in, out reflect.Type
}

// Input describes one input of an action or a task, for [ActionInfo] and [TaskInfo].
type Input struct {
	Name, Doc, Type, Format string // Type and Format in the words of JSON Schema
	Required, Secret        bool
}

// action is a registered [Action] without its type parameters, so that actions of different types fit into one map.
type action struct {
	info         ActionInfo
	input        *schema.Input
	output       *encode.Output // nil if the action returns a *Content
	outType      reflect.Type
	outNames     []string // the members of each output; nil if they are known only when an output is written
	routes       []route.Pattern
	page         *actionPage // nil if the action has no input "limit" or "offset"
	limit        time.Duration
	strict       bool          // the action refuses unknown params
	guarded      bool          // the action has middleware of its own
	versioned    bool          // the action has a version
	described    sync.Once     // sets the schemas of info; see describeTypes
	strictSchema func() []byte // the schema of the inputs if the app refuses unknown params
	secretPath   bool          // a route has the value of a secret input
	run          Handler       // the action's own middleware around a Handler that decodes the input and calls Run
}

var actionName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

func (a Action[In, Out]) register(r *registry) error {
	act, err := a.compile()
	if err != nil {
		return err
	}
	return r.addAction(act)
}

func (a Action[In, Out]) compile() (*action, error) {
	if a.Name == "" {
		return nil, fmt.Errorf("an action that takes %v and answers %v has no name: set Name", reflect.TypeFor[In](), reflect.TypeFor[Out]())
	}
	if !actionName.MatchString(a.Name) {
		return nil, fmt.Errorf("action name %q is not allowed: use 1 to 64 letters, digits and _ . : -", a.Name)
	}
	if a.Kind >= kindCount {
		return nil, fmt.Errorf("action %q has the Kind %d, which does not exist: use KindWrite, KindRead or KindDestructive", a.Name, uint8(a.Kind))
	}
	if a.Version < 0 {
		return nil, fmt.Errorf("action %q has the Version %d: use 1 or more, or zero for an action without versions", a.Name, a.Version)
	}
	if a.MaxBody < 0 {
		return nil, fmt.Errorf("action %q has the MaxBody %d: it must be above zero, or zero for the limit of the transport", a.Name, a.MaxBody)
	}
	if a.Run == nil {
		return nil, fmt.Errorf("action %q has no Run: set the function that does the work", a.Name)
	}
	if err := errors.Join(a.Access.check(reflect.TypeFor[In]()), checkTransports(a.Transports)); err != nil {
		return nil, fmt.Errorf("action %q: %w", a.Name, err)
	}
	input, err := schema.CompileInput(reflect.TypeFor[In](), schema.Options{FileType: reflect.TypeFor[File]()})
	if err != nil {
		return nil, fmt.Errorf("action %q: %w", a.Name, err)
	}
	act := &action{input: input, strict: a.Strict, versioned: a.Version > 0, limit: a.Timeout, outType: reflect.TypeFor[Out]()}
	act.info = ActionInfo{
		Name: a.Name, Description: a.Description, Version: a.Version, OutputExample: []byte("{}"),
		Kind: a.Kind, Idempotent: a.Idempotent || a.Kind == KindRead, RawBody: a.RawBody,
		Access: a.Access, Transports: slices.Clone(a.Transports), Meta: a.Meta,
		MaxBody: a.MaxBody, Strict: a.Strict, in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
	}
	if reflect.TypeFor[Out]() != contentType {
		if act.output, err = encode.Compile(reflect.TypeFor[Out]()); err != nil {
			return nil, fmt.Errorf("action %q: %w", a.Name, err)
		}
		if err := act.checkNames(); err != nil {
			return nil, err
		}
		example, err := schema.OutputExample(reflect.TypeFor[Out]())
		if err != nil {
			return nil, fmt.Errorf("action %q: %w", a.Name, err)
		}
		act.info.OutputExample = example
	}
	act.info.IdempotencyKey = a.IdempotencyKey
	act.info.Inputs, act.page = inputsOf(input), pageOf(input.Fields())
	act.strictSchema = sync.OnceValue(func() []byte { return inputSchemaOf(act.info.in, true) })
	for _, in := range act.info.Inputs {
		if use, taken := envelope.Inputs[in.Name]; taken {
			return nil, fmt.Errorf("action %q has an input %q, but the param of that name %s: give the input another name in its json tag", a.Name, in.Name, use)
		}
	}
	if err := act.checkRoutes(a.Route, a.Routes); err != nil {
		return nil, err
	}
	if err := act.checkKeys(a.IdempotencyKey); err != nil {
		return nil, err
	}
	if err := errors.Join(act.setTool(a.Tool), act.setResource(a.Resource), act.setPrompt(a.Prompt), act.setDeprecated(a.Deprecated)); err != nil {
		return nil, err
	}
	act.guarded = len(a.Middleware) > 0
	act.run = chain(a.Middleware, func(ctx context.Context, req *Request) (any, error) {
		var in In
		var fail *schema.Failure
		strict := req.Params.strict && (act.strict || req.API.cfg.StrictParams)
		if strict {
			fail = input.DecodeStrict(&in, req.Params.list)
		} else {
			fail = input.Decode(&in, req.Params.list)
		}
		if fail != nil || strict || req.Err != nil {
			if err := act.faults(req, fail, strict); err != nil {
				return nil, err
			}
		}
		if act.info.Access.allows != nil {
			if err := act.info.Access.refuseInput(ctx, req, &in); err != nil {
				return nil, err
			}
		}
		if act.info.IdempotencyKey != KeyIgnored {
			return runKeyed(ctx, req, act, a.Run, in)
		}
		out, err := a.Run(ctx, in)
		if act.output == nil {
			req.open(any(out).(*Content))
		}
		if err != nil {
			return nil, err
		}
		return out, nil
	})
	return act, nil
}

func inputsOf(input *schema.Input) (inputs []Input) {
	fields := input.Fields()
	if len(fields) > 0 {
		inputs = make([]Input, 0, len(fields))
	}
	for _, f := range fields {
		inputs = append(inputs, Input{Name: f.Name, Doc: f.Doc, Type: f.Type, Format: f.Format, Required: f.Required, Secret: f.Secret})
	}
	return inputs
}

// describeTypes sets the schemas of act.info. An app with many actions writes no schema until something describes its
// actions.
func (act *action) describeTypes() {
	act.described.Do(func() {
		if act.info.InputSchema = act.input.JSONSchema(); act.strict {
			act.info.InputSchema = act.strictSchema()
		}
		if act.output != nil {
			act.info.OutputSchema = schema.OutputSchema(act.outType)
		}
	})
}

// checkNames refuses an output whose members have names that the answers of transports use.
func (act *action) checkNames() error {
	names, ok := encode.Names(act.outType)
	if !ok {
		return nil
	}
	act.outNames = slices.Concat([]string{}, names) // not nil, also for an output without members
	if i := slices.IndexFunc(names, envelope.Reserved); i >= 0 {
		return fmt.Errorf("the output of action %q has a member %q, which every answer uses for itself: give the member another name in its json tag", act.info.Name, names[i])
	}
	return nil
}

// changingMethods are the methods of HTTP that say that a request changes something. POST is not one of them, because a
// search with a long query uses POST, too.
var changingMethods = []string{"PUT", "PATCH", "DELETE"}

// checkRoutes parses the routes of the action, and stores them in act.
func (act *action) checkRoutes(first string, further []string) error {
	routes := further
	if first != "" {
		routes = slices.Concat([]string{first}, further)
	}
	for _, text := range routes {
		pattern, err := route.Parse(text)
		if err != nil {
			return fmt.Errorf("action %q: %w", act.info.Name, err)
		}
		if slices.ContainsFunc(act.routes, pattern.Equal) {
			return fmt.Errorf("action %q has the route %q twice: remove one", act.info.Name, text)
		}
		if act.info.Kind == KindRead && slices.Contains(changingMethods, pattern.Method) {
			return fmt.Errorf("action %q has the route %q, whose method is for changes, but its Kind is KindRead, which pages of other sites may run: "+
				"use KindWrite or KindDestructive, or a route with GET or POST", act.info.Name, text)
		}
		for _, name := range pattern.Names() {
			if !act.takes(name) {
				return fmt.Errorf("action %q: its route %q has {%s}, but it has no input of that name: add the field or change the route", act.info.Name, text, name)
			}
			act.secretPath = act.secretPath || act.hides(name)
		}
		act.routes = append(act.routes, pattern)
	}
	if len(routes) > 0 {
		act.info.Route, act.info.Routes = routes[0], slices.Clone(routes)
	}
	return nil
}

func (act *action) takes(name string) bool {
	return slices.ContainsFunc(act.info.Inputs, func(in Input) bool { return in.Name == name })
}

// hides reports whether the action has an input of this name that logs must not show.
func (act *action) hides(name string) bool {
	return slices.ContainsFunc(act.info.Inputs, func(in Input) bool { return in.Name == name && in.Secret })
}

// Call runs the action in this process as if a client had called it: the API's middleware runs and the input is
// checked. Call blocks until the action ends, and returns the output or the error that the client would receive.
// Actions and tests use Call to call another action. If ctx is the context of a request, the middleware and the action
// see the client of that request: its Conn, RemoteIP, Method, headers and ID. The call does not count against the
// client's request limit.
//
// A field of in with its zero value counts as not given: its default applies, and if the input is required, Call fails as
// for a client. Two kinds of required fields without a default are always given: numbers and booleans, and structs. To
// give a zero in place of a default, declare the field as a pointer or as an [Optional].
func (a Action[In, Out]) Call(ctx context.Context, api *API, in In) (Out, error) {
	var none Out
	var registered *schema.Input
	name := versionedName(a.Name, a.Version)
	if act := api.registry.Load().action(name); act != nil {
		registered = act.input
	}
	input, err := inputFor[In](registered)
	var params []schema.Param
	if err == nil {
		params, err = input.Params(&in)
	}
	if err != nil {
		return none, fmt.Errorf("the input of action %q does not encode: %w", a.Name, err)
	}
	req := api.newRequest(transportInternal)
	req.Action = name
	if caller := RequestFrom(ctx); caller != nil {
		req.caller, req.Conn, req.RemoteIP, req.Method = caller, caller.Conn, caller.RemoteIP, caller.Method
	}
	req.actAs(ctx)
	for i := range params {
		req.Params.put(params[i].Key, params[i].Value)
	}
	result, err := (*host)(api).Dispatch(ctx, req)
	if err != nil {
		return none, err
	}
	out, ok := result.(Out)
	if !ok {
		return none, fmt.Errorf("action %q answered a %T, not a %T: another action has its name, or a middleware changed the result", a.Name, result, none)
	}
	return out, nil
}

// inputFor returns the plan for the inputs of type In: the plan registered, if it is for that type, or else a new plan.
func inputFor[In any](registered *schema.Input) (*schema.Input, error) {
	if registered != nil && registered.Takes(new(In)) {
		return registered, nil
	}
	return schema.CompileInput(reflect.TypeFor[In](), schema.Options{FileType: reflect.TypeFor[File]()})
}

// inputError returns the [CodeInvalidInput] error for an input that does not decode. The Message of the error names the
// first broken rule, and its Details list all broken rules. kind is "action" or "task" and appears in the Message.
// faults returns an error with all faults of the params of req: those of "limit" and "offset" in req.Err, the unknown
// params if strict is true, and fail. It returns nil if there are none.
func (act *action) faults(req *Request, fail *schema.Failure, strict bool) error {
	var all *Error
	if page, ok := req.Err.(*pageError); ok {
		all = page.own
	}
	if strict {
		all = join(all, act.unknownParams(req))
	}
	if fail != nil {
		all = join(all, inputError(fail, "action"))
	}
	if all == nil {
		return nil
	}
	return all
}

// maxDetails is the maximum number of details of an error about params.
const maxDetails = 64

// join returns the error first with the details of then, except for fields of which first already has a fault: an action
// may declare "limit" itself. Either may be nil.
func join(first, then *Error) *Error {
	switch {
	case first == nil:
		return then
	case then == nil:
		return first
	}
	details := slices.Clone(first.Details)
	for _, d := range then.Details {
		if !slices.ContainsFunc(first.Details, func(own Detail) bool { return own.Field == d.Field }) {
			details = append(details, d)
		}
	}
	return &Error{Code: first.Code, Message: first.Message, Details: details[:min(len(details), maxDetails)]}
}

func inputError(fail *schema.Failure, kind string) *Error {
	e := &Error{Code: CodeInvalidInput}
	if fail.Missing != "" {
		e.Message = fail.Missing + " is a required parameter for this " + kind
	} else {
		e.Message = fail.Violations[0].Message
	}
	for _, v := range fail.Violations {
		e.Details = append(e.Details, Detail(v))
	}
	return e
}
