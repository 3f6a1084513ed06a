// Package transport is for authors of transports: the packages that carry requests and room messages over one wire, such
// as web, tcp, websocket and socketio. An app does not need it.
//
// Begin with the example of the package, which is a whole transport, and with [Host].
//
// A transport makes a [Host] of the API with [Of]. For each request of a client it prepares an actionhero.Request with
// [Host.InitRequest], fills its params with [ParamsOf], runs it with [Host.Dispatch] and writes the output with
// [AppendOutput]. A persistent transport also calls [Host.Connect] for each client, with a [Sender] to which the API
// delivers room messages, and [Host.Disconnect] when the client is gone. A transport that listens is an
// actionhero.Component: API.Add makes the API start and stop it.
//
// Everything that must hold on every transport (middleware, limits, timeouts, recovery from a panic, the request log) is
// in Dispatch, so a transport cannot skip it.
//
// This package may change in minor versions.
package transport

import (
	"context"
	"net/netip"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

// Host is an API as a transport sees it. Make one with [Of].
type Host struct {
	*actionhero.API
	host bridge.Host
}

// Of returns the Host of an API.
func Of(api *actionhero.API) Host { return Host{api, bridge.HostOf(api)} }

// NewRequest returns a new request. See [Host.InitRequest].
func (h Host) NewRequest(transport string) *actionhero.Request {
	req := new(actionhero.Request)
	h.InitRequest(req, transport)
	return req
}

// InitRequest prepares a zero Request, which may be a field of a struct of the transport. It sets API, Transport, Started
// and Remaining, and its Params accept the keys that some action takes. The transport sets the other exported fields.
// transport is the name that logs and Conn.Transport show.
func (h Host) InitRequest(req *actionhero.Request, transport string) {
	h.host.InitRequest(req, transport)
}

// Dispatch runs a request: it finds the action, runs the middleware around it, decodes and checks the input, runs the
// action, and recovers from a panic. If req.Err is set, the middleware runs and req.Err is the result. The error is nil
// or an *actionhero.Error. A request can be dispatched once.
//
// The output is encoded by [AppendOutput]. If it is an *actionhero.Content, the transport sends its bytes and closes it.
func (h Host) Dispatch(ctx context.Context, req *actionhero.Request) (any, error) {
	return h.host.Dispatch(ctx, req)
}

// AppendOutput appends the output of an action as the members of a JSON object, without the braces. If the output does
// not encode, it returns dst unchanged and the CodeInternal error for the client, and logs the cause.
func AppendOutput(dst []byte, req *actionhero.Request, out any) ([]byte, error) {
	return bridge.AppendOut(dst, req, out)
}

// ActionName returns the name of a registered action without an allocation, or a copy of name if there is no such action.
func (h Host) ActionName(name []byte) string { return h.host.ActionName(name) }

// ReturnsContent reports whether an action answers with an *actionhero.Content instead of an object.
func (h Host) ReturnsContent(action string) bool { return h.host.ReturnsContent(action) }

// Accepts reports whether any action takes a param of this key. Params drops all other keys.
func (h Host) Accepts(key string) bool { return h.host.Accepts(key) }

// Secret reports whether values of the param key must not appear in logs and answers.
func (h Host) Secret(key string) bool { return h.host.Secret(key) }

// Connect returns the Conn of a client that has connected. It is in no room until Rooms.Move.
func (h Host) Connect(transport string, remote netip.AddrPort, client Sender) *actionhero.Conn {
	return h.host.Connect(transport, remote, client).(*actionhero.Conn)
}

// Disconnect ends a Conn: it leaves its rooms, whose members are notified. The transport calls it when the client is
// gone, for whatever reason. A second call does nothing. A method of the Sender must not call it.
func (h Host) Disconnect(c *actionhero.Conn) { h.host.Disconnect(c) }

// Listening adds a port to the name of this node. A transport that listens calls it at each start.
func (h Host) Listening(port int) { h.host.Listening(port) }

// AddOutermost adds a component that starts before the backend opens and stops after the backend has closed, such as the
// log. Several of them stop in reverse order. Call it before the API starts.
func (h Host) AddOutermost(c actionhero.Component) { h.host.AddOutermost(c) }

// AppendDetails appends the details of a connection as a JSON object, in the order in which they were first set. If there
// are none or c is nil, it returns dst unchanged and false.
func AppendDetails(dst []byte, c *actionhero.Conn) (object []byte, ok bool) {
	return bridge.DetailsOf(dst, c)
}

// Part returns a part of an app that only a transport understands: the API keeps value, and [Host.Parts] returns it.
func Part(value any) actionhero.Part { return bridge.Part(value).(actionhero.Part) }

// Parts returns the values of all parts made by [Part], in the order of their registration.
func (h Host) Parts() []any { return h.host.Extensions() }
