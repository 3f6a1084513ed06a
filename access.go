package actionhero

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero/internal/near"
)

// Access is the rule that says who may run an action. [Public], [Authenticated], [Roles], [Scopes] and [Allow] make one,
// and [Access.And] joins two. The zero value is the default of the app, see [DefaultAccess].
//
// [API] checks the rule on every transport, after the middleware of the API and before the inputs. An anonymous caller
// and one whose identity has expired get an error of [CodeUnauthenticated], and others that the rule refuses one of
// [CodePermissionDenied]. A rule does not apply to calls by Go code without a request and without [WithIdentity], within
// a job, or by the command line: their author or operator has the server.
type Access struct {
	level  accessLevel
	roles  [][]string // one of each list
	scopes []string   // all of them
	allows []inputRule
}

type accessLevel uint8

const (
	levelDefault accessLevel = iota
	levelPublic
	levelKnown
)

var (
	// Public lets every caller run an action.
	Public = Access{level: levelPublic}
	// Authenticated lets every caller run an action who is not anonymous.
	Authenticated = Access{level: levelKnown}
)

// Roles lets callers run an action who have one or more of the roles.
func Roles(anyOf ...string) Access {
	return Access{level: levelKnown, roles: [][]string{slices.Clone(anyOf)}}
}

// Scopes lets callers run an action whose credential has all of the scopes.
func Scopes(all ...string) Access {
	return Access{level: levelKnown, scopes: slices.Clone(all)}
}

// Allow lets callers run an action for whom the function returns nil. It is called with the decoded and checked input of
// the action, directly before Action.Run, so In is the input type of the action. It is also called for anonymous callers:
// for known ones only, join it with [Authenticated]. An error that is an [Error] is the answer of the action.
func Allow[In any](rule func(ctx context.Context, who Identity, in In) error) Access {
	check := inputRule{in: reflect.TypeFor[In](), isNil: rule == nil}
	check.run = func(ctx context.Context, who Identity, in any) error { return rule(ctx, who, *in.(*In)) }
	return Access{level: levelPublic, allows: []inputRule{check}}
}

// inputRule is the function of an [Allow] without its type parameter.
type inputRule struct {
	in    reflect.Type
	isNil bool
	run   func(ctx context.Context, who Identity, in any) error // in is a pointer to a value of the type in
}

// And returns a rule that lets callers run an action whom both a and b let.
func (a Access) And(b Access) Access {
	return Access{
		level: max(a.level, b.level),
		roles: slices.Concat(a.roles, b.roles), scopes: slices.Concat(a.scopes, b.scopes), allows: slices.Concat(a.allows, b.allows),
	}
}

// IsPublic reports whether every caller may run the action, as far as it does not depend on the input.
func (a Access) IsPublic() bool { return a.level == levelPublic }

// RequiredScopes returns the scopes that the rule demands, all of them.
func (a Access) RequiredScopes() []string { return slices.Clone(a.scopes) }

// String describes the rule for people: "default", "public", "authenticated", "roles: agent or admin; scopes:
// tickets:write", and "and a rule of the input" at its end if there is an [Allow].
func (a Access) String() string {
	var parts []string
	for _, roles := range a.roles {
		parts = append(parts, "roles: "+strings.Join(roles, " or "))
	}
	if len(a.scopes) > 0 {
		parts = append(parts, "scopes: "+strings.Join(a.scopes, " and "))
	}
	if len(parts) == 0 {
		parts = []string{[...]string{levelDefault: "default", levelPublic: "public", levelKnown: "authenticated"}[a.level]}
	}
	if len(a.allows) > 0 {
		parts = append(parts, "and a rule of the input")
	}
	return strings.Join(parts, "; ")
}

// check returns an error if the rule is not complete.
func (a Access) check(in reflect.Type) error {
	for _, roles := range a.roles {
		if len(roles) == 0 || slices.Contains(roles, "") {
			return errors.New("its Access has Roles without a role or with an empty one: name the roles, or use Authenticated")
		}
	}
	if slices.Contains(a.scopes, "") {
		return errors.New("its Access has an empty scope: name the scopes, or use Authenticated")
	}
	for _, rule := range a.allows {
		switch {
		case rule.isNil:
			return errors.New("its Access has an Allow without a function: set the function that decides")
		case rule.in != in:
			return fmt.Errorf("its Access has an Allow for the input %v, but the action takes %v: give the function the input of the action", rule.in, in)
		}
	}
	return nil
}

var (
	errNotAuthenticated = &Error{Code: CodeUnauthenticated, Message: "you must log in to do this"}
	errExpired          = &Error{Code: CodeUnauthenticated, Message: "your login has expired: log in again"}
	errNotPermitted     = &Error{Code: CodePermissionDenied, Message: "you are not allowed to do this"}
)

// refuse returns an error if the rule does not let the caller of the request run its action.
func (a *Access) refuse(req *Request) error {
	if a.level != levelKnown || req.isTrusted() {
		return nil
	}
	switch who := req.identityNow(); {
	case who == nil || !who.Known():
		return errNotAuthenticated
	case who.expired(req):
		return errExpired
	default:
		return a.refuseKnown(who)
	}
}

func (a *Access) refuseKnown(who *Identity) error {
	for _, roles := range a.roles {
		if !slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(who.Roles, role) }) {
			return errNotPermitted
		}
	}
	for _, scope := range a.scopes {
		if !slices.Contains(who.Scopes, scope) && !slices.Contains(who.Scopes, AnyScope) {
			return errNotPermitted
		}
	}
	return nil
}

// refuseInput returns the error of an [Allow] that does not let the caller run the action with this input. in is a
// pointer to the input.
func (a *Access) refuseInput(ctx context.Context, req *Request, in any) error {
	if req.isTrusted() {
		return nil
	}
	for _, rule := range a.allows {
		if err := rule.run(ctx, req.Identity(), in); err != nil {
			return err
		}
	}
	return nil
}

// isTrusted reports whether the rules of the action do not apply, because the app itself calls or the command line does.
func (r *Request) isTrusted() bool {
	switch {
	case r.identity.Load() != nil:
		return false
	case r.caller != nil:
		return r.caller.isTrusted()
	}
	return r.Job != nil || r.Transport == TransportCLI || r.Transport == transportInternal
}

// DefaultAccess returns a [Part] with the rule of all actions that have no Access of their own. Without it they are
// [Public]. An app with an [Authenticator] must have it: a start without it is refused. An app has one at most. The rule
// has no [Allow].
func DefaultAccess(rule Access) Part { return defaultAccess{rule} }

type defaultAccess struct{ rule Access }

func (d defaultAccess) register(r *registry) error {
	switch {
	case r.defaultAccess != nil:
		return fmt.Errorf("the app has two DefaultAccess parts (%v, %v): remove one", *r.defaultAccess, d.rule)
	case d.rule.level == levelDefault:
		return errors.New("a DefaultAccess has no rule: use Public, Authenticated, Roles or Scopes")
	case len(d.rule.allows) > 0:
		return errors.New("a DefaultAccess has an Allow, which needs the input of one action: set it in the Access of that action")
	}
	if err := d.rule.check(nil); err != nil {
		return fmt.Errorf("a DefaultAccess is wrong: %w", err)
	}
	r.defaultAccess = &d.rule
	return nil
}

// access returns the rule that applies to an action with the rule own.
func (r *registry) access(own *Access) *Access {
	switch {
	case own.level != levelDefault:
		return own
	case r.defaultAccess != nil:
		return r.defaultAccess
	}
	return &Public
}

// checkAccess returns an error if callers are known by their identity, but the app does not say what the others may do.
func (r *registry) checkAccess() error {
	if len(r.authenticators) == 0 || r.defaultAccess != nil {
		return nil
	}
	return errors.New("the app has an Authenticator, but no DefaultAccess, so each action without an Access would be open to all callers: " +
		"add the part actionhero.DefaultAccess(actionhero.Authenticated) and set Access: actionhero.Public on the open actions, " +
		"or add actionhero.DefaultAccess(actionhero.Public)")
}

// The names of the transports, for [Action.Transports] and Request.Transport.
const (
	TransportWeb       = "web" // HTTP and HTTPS
	TransportTCP       = "tcp"
	TransportWebSocket = "websocket"
	TransportSocketIO  = "socketio"
	TransportMCP       = "mcp" // tools of AI agents, see [Tool]
	TransportCLI       = "cli" // the command line

	transportInternal = "internal" // Action.Call
)

// checkTransports returns an error if one of the names is probably a slip for the name of a transport.
func checkTransports(names []string) error {
	known := []string{TransportWeb, TransportTCP, TransportWebSocket, TransportSocketIO, TransportMCP, TransportCLI}
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		switch likely := near.Name(name, known); {
		case name == "":
			return errors.New("its Transports have an empty name: use TransportWeb or another of these constants")
		case name == "http" || name == "https":
			return fmt.Errorf("its Transports have %q: use TransportWeb (%q), which is HTTP and HTTPS", name, TransportWeb)
		case likely != "":
			return fmt.Errorf("its Transports have %q: did you mean %q?", name, likely)
		}
	}
	return nil
}

// isOver reports whether the action may be called over the transport of the request. Go code may call every action, and so may
// package actionherotest.
func (act *action) isOver(req *Request) bool {
	if len(act.info.Transports) == 0 || slices.Contains(act.info.Transports, req.Transport) {
		return true
	}
	switch req.Transport {
	case TransportWeb, TransportTCP, TransportWebSocket, TransportSocketIO, TransportMCP:
		return false
	case TransportCLI, transportInternal, "test":
		return true
	}
	return false
}

// Info returns the description of the called action, with its Meta, or nil if there is no such action. It must not be
// modified.
func (r *Request) Info() *ActionInfo {
	if r.act == nil || r.Job != nil {
		return nil
	}
	r.act.describeTypes()
	return &r.act.info
}
