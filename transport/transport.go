// Package transport is for authors of transports: the packages that carry requests and room messages over one
// protocol, such as web, tcp, websocket and socketio. An app does not need this package.
//
// Begin with the example of the package, which is a whole transport, and with [Host].
//
// A transport gets the [Host] of an API from [Of]. For each request of a client it prepares an actionhero.Request with
// [Host.InitRequest], fills its params with [ParamsOf], runs it with [Host.Dispatch] and writes the output with
// [AppendOutput]. A persistent transport also calls [Host.Connect] for each client, with a [Sender] to which the API
// delivers room messages, and [Host.Disconnect] when the client has disconnected. A transport that listens is an
// actionhero.Component: API.Add makes the API start and stop it.
//
// Everything that must hold on every transport (middleware, limits, timeouts, recovery from a panic, the request log) is
// in Dispatch, so a transport cannot skip it.
//
// This package may change in minor versions.
package transport

import (
	"context"
	"io/fs"
	"net/netip"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/bridge"
	"github.com/actionhero-go/actionhero/internal/bytebudget"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// Host is an actionhero.API with the additional methods that a transport calls. [Of] returns the Host of an API.
type Host struct {
	*actionhero.API
	host bridge.Host
}

// Of returns the Host of api, with the methods that a transport calls.
func Of(api *actionhero.API) Host { return Host{api, bridge.HostOf(api)} }

// NewRequest returns a new request that [Host.InitRequest] has prepared. transport is the name of the transport.
func (h Host) NewRequest(transport string) *actionhero.Request {
	req := new(actionhero.Request)
	h.InitRequest(req, transport)
	return req
}

// InitRequest prepares req for [Host.Dispatch]. req must be a zero Request, which may be a field of a struct of the
// transport. InitRequest sets API, Transport, Started and Remaining, and makes Params accept the keys that some action
// takes. The transport sets the other exported fields. The argument transport is the name that logs and Conn.Transport
// show.
func (h Host) InitRequest(req *actionhero.Request, transport string) {
	h.host.InitRequest(req, transport)
}

// Dispatch runs a request: it finds the action, runs the middleware around the action, decodes and checks the input,
// runs the action, and recovers from a panic. If req.Err is set, the middleware runs and req.Err is the result. The
// returned error is nil or an *actionhero.Error. If the code of the app ends its goroutine with runtime.Goexit, Dispatch
// logs the request and ends its call, but cannot return. A transport must therefore release the place of the request, and
// answer with an internal error, in a deferred function. An action may forward its request: it changes req.Action and
// returns the result of a further Dispatch.
//
// The transport encodes the output with [AppendOutput]. If the output is an *actionhero.Content, the transport instead
// sends the bytes of that Content and closes it.
func (h Host) Dispatch(ctx context.Context, req *actionhero.Request) (any, error) {
	return h.host.Dispatch(ctx, req)
}

// Cancel ends the context of a request that runs, for example because its client has left.
func (h Host) Cancel(req *actionhero.Request) { h.host.Cancel(req) }

// BeginStream makes a response that lasts known to the API as an actionhero.Stream, before it begins. The API calls end,
// perhaps several times, when the stream should end; end must not block. The transport calls over when the action has
// returned. An error, of a StreamMiddleware.Begin, is the answer to the request instead of a stream.
func (h Host) BeginStream(ctx context.Context, req *actionhero.Request, end func()) (over func(), err error) {
	return h.host.BeginStream(ctx, req, end)
}

// Details has the methods of a Request.Extra from which the API learns what only the transport of the request knows. Each
// method is optional. The API calls them only if it logs the request or the app asks, so they may be slow.
type Details interface {
	// RequestHeader returns the value of a header of the request, or "".
	RequestHeader(name string) string
	// RequestID returns the id that the client or a trusted proxy gave to the request, or "". See [RequestID].
	RequestID() string
	// RequestPath returns the path of the request, without its query.
	RequestPath() string
	// ResponseStatus returns the status that the answer will have, or 0 if it is not known. err is the error of the request,
	// or nil.
	ResponseStatus(err *actionhero.Error) int
	// RequestTarget returns the scheme, "http" or "https", and the host for which the client has asked, behind trusted
	// proxies. Package auth chooses the cookie of a session by them.
	RequestTarget() (scheme, host string)
	// RequestCookies returns the first header Cookie, or "", and whether the client has asked by HTTPS, as RequestTarget or
	// the connection says. Package auth then calls neither RequestHeader nor RequestTarget to find a session.
	RequestCookies() (line string, https bool)
	// AddResponseHeader adds a header to the answer. Limits add RateLimit-Policy and RateLimit, and package auth Set-Cookie.
	AddResponseHeader(name, value string)
}

// AnswerRepeater has the optional methods of a Request.Extra whose answers have more than an output or an error, for example
// a status. This part of an answer is kept with an idempotency key, and repeated on the same transport.
type AnswerRepeater interface {
	// WatchAnswer begins to watch the changes of the answer by the action. The function changed, which is called once the
	// action has returned, returns these changes. If the answer cannot be repeated, repeatable is false. If the client will
	// read an internal error, failed is true.
	WatchAnswer() (changed func() (state []byte, repeatable, failed bool))
	// RepeatAnswer changes the answer in the same way. state may come from another transport.
	RepeatAnswer(state []byte)
}

// AppendOutput appends out, the output of the action of req, to dst as the members of a JSON object, without the
// braces. If out does not encode, AppendOutput logs the cause and returns dst unchanged with the CodeInternal error for
// the client.
//
// No member has a name that the envelope of a transport uses, such as "error". A struct that has one is refused when
// its action is registered; a member of a map is renamed: "_" stands in front of its name. AppendOutput also renames the
// members with the names in reserved, which the envelope of this answer uses. Names that all transports use need not be
// given.
func AppendOutput(dst []byte, req *actionhero.Request, out any, reserved ...string) ([]byte, error) {
	return bridge.AppendOut(dst, req, out, reserved)
}

// AppendObject appends out like [AppendOutput], but with the names that it has. It is for a transport whose answer is the
// output alone.
func AppendObject(dst []byte, req *actionhero.Request, out any) ([]byte, error) {
	return bridge.AppendOut(dst, req, out, []string{})
}

// AppendError appends the members that tell a client more about the failure err, each with a leading comma:
// "errorCode", "errorDetails" if err has Details, and "retryAfter" in whole seconds, rounded up, if err has RetryAfter.
// A transport appends these members at the end of the object with which it answers a failure, behind "error". err must
// not be nil.
func AppendError(dst []byte, err *actionhero.Error) []byte { return bridge.AppendErr(dst, err) }

// IsStatic reports whether content is a static file, which Files.Open has opened, so that every client may cache it. An
// action can return a static file, as the action "file" does.
func IsStatic(content *actionhero.Content) bool { return bridge.IsStatic(content) }

// Checksum returns a checksum of the bytes of content, if the server knows one without reading them: of a file in the program
// (package embed), which has no time of modification. It returns ok false for any other content.
func Checksum(content *actionhero.Content) (sum uint32, ok bool) { return bridge.Checksum(content) }

// StatFile describes the file that [actionhero.Files.Open] would open by this name. It returns ok false if the name leads to no
// file, or only through a symbolic link with an absolute target.
func (h Host) StatFile(name string) (info fs.FileInfo, ok bool) { return h.host.StatFile(name) }

// ActionNames returns the names by which [Host.Action] finds the registered actions, sorted. An action with versions has its
// plain name, and one such as "v2/NAME" for each version.
func (h Host) ActionNames() []string { return h.host.ActionNames() }

// Action returns the description of the action with this name, or nil if no such action is registered. A name such as
// "v2/NAME" is the one of a version; a plain name is the newest version. The caller must
// not change the description. It has no InputSchema and OutputSchema until the API has described its actions; see
// [Host.DescribeAction].
func (h Host) Action(name string) *actionhero.ActionInfo {
	info, _ := h.host.Action(name).(*actionhero.ActionInfo)
	return info
}

// DescribeAction is Action with the schemas in the description, which the first call for the action makes.
func (h Host) DescribeAction(name string) *actionhero.ActionInfo {
	info, _ := h.host.DescribeAction(name).(*actionhero.ActionInfo)
	return info
}

// Admit counts one request of the client with the address remoteIP against Config.RequestLimit. [Host.Dispatch] counts
// the requests that it runs. A transport calls Admit for other work of a client: commands, opened sessions, files.
// remaining is the number of requests that the client may still make in the window, or -1 without a limit. If the limit
// is used up, err is of CodeResourceExhausted and the transport must refuse the work.
func (h Host) Admit(remoteIP string) (remaining int, err *actionhero.Error) {
	remaining, failure := h.host.Admit(remoteIP)
	err, _ = failure.(*actionhero.Error)
	return remaining, err
}

// SendBudget returns the limit of the bytes that wait for all persistent clients of the API (Config.MaxQueuedBytes). All
// transports share it.
func (h Host) SendBudget() *sendqueue.Budget { return h.host.SendBudget().(*sendqueue.Budget) }

// IncomingBudget returns the limit of the bytes of incomplete messages of all persistent clients of the API
// (Config.MaxIncomingBytes). All transports share it.
func (h Host) IncomingBudget() *bytebudget.Budget {
	return h.host.IncomingBudget().(*bytebudget.Budget)
}

// AbandonedBudget returns the limit of the bodies of Contents of the API whose code has not returned although their
// requests have ended. All transports share it.
func (h Host) AbandonedBudget() *bytebudget.Budget {
	return h.host.AbandonedBudget().(*bytebudget.Budget)
}

// Authorize asks the authenticators of the app from whom req comes, whose identity it stores in req, and returns an error
// if rule does not let the caller. It is for a request that is no call of an action. If rule is the zero Access, the
// [actionhero.DefaultAccess] counts. The caller of Authorize may then dispatch req with the error as Err, so that the
// middleware and the log see the refusal.
func (h Host) Authorize(ctx context.Context, req *actionhero.Request, rule actionhero.Access) error {
	return h.host.Authorize(ctx, req, &rule)
}

// CheckRule returns an error if [Host.Authorize] cannot check rule, because it needs the input of an action, or names an
// empty role or scope.
func (h Host) CheckRule(rule actionhero.Access) error { return h.host.CheckRule(&rule) }

// ActionName returns name as a string. If an action with this name is registered, ActionName returns the string of that
// action and allocates nothing. Otherwise it returns a copy of name.
func (h Host) ActionName(name []byte) string { return h.host.ActionName(name) }

// Guarded reports whether the app or one of its actions has middleware. Without middleware, each client may run each
// action.
func (h Host) Guarded() bool { return h.host.Guarded() }

// Requested returns the description of the action that [Host.Dispatch] will run for req, or nil. Of an action with versions,
// it is the version for which the name, the param apiVersion or the header Api-Version of req asks, or the newest one.
func (h Host) Requested(req *actionhero.Request) *actionhero.ActionInfo {
	info, _ := h.host.Requested(req).(*actionhero.ActionInfo)
	return info
}

// CheckAction returns the error with which [Host.Dispatch] answers req because there is no such action or version, or nil. It
// serves for requests that run later.
func (h Host) CheckAction(req *actionhero.Request) error { return h.host.CheckAction(req) }

// AskedVersion returns the version for which the param apiVersion or the header Api-Version of req asks, or 0. It does not
// read the name of the action. The error is for a value that is no version.
func (h Host) AskedVersion(req *actionhero.Request) (int, error) { return h.host.AskedVersion(req) }

// HasVersions reports whether an action of the app has an Action.Version.
func (h Host) HasVersions() bool { return h.host.HasVersions() }

// ReturnsContent reports whether the action that [Host.Dispatch] will run for req returns an *actionhero.Content instead of
// an object.
func (h Host) ReturnsContent(req *actionhero.Request) bool { return h.host.ReturnsContent(req) }

// ReturnsNothing reports whether the output type of the action that Dispatch has run for req is [actionhero.None].
func (h Host) ReturnsNothing(req *actionhero.Request) bool { return h.host.ReturnsNothing(req) }

// Accepts reports whether at least one action, or API.Accept, takes a param with this key. Params drops all other keys.
func (h Host) Accepts(key string) bool { return h.host.Accepts(key) }

// Connect returns the Conn of a client that has connected from the address remote. The API delivers messages for the
// client to the Sender in the argument client. The client is in no room until Rooms.Move. The transport must next call
// [Host.Accept], then [Host.Enter] and [Host.Connected], and after the end of the connection [Host.Disconnect] and
// [Host.Disconnected].
func (h Host) Connect(transport string, remote netip.AddrPort, client Sender) *actionhero.Conn {
	return h.host.Connect(transport, remote, client).(*actionhero.Conn)
}

// MeetsConns reports whether the app has connection middleware. Only then does [Host.Accept] need a handshake.
func (h Host) MeetsConns() bool { return h.host.MeetsConns() }

// Accept asks the connection middleware of the app whether the client c may connect. handshake is what the client has sent
// to connect; without middleware it may be nil. If err is not nil, the transport must refuse the client with that error,
// and call [Host.Disconnect] and [Host.Disconnected] as for any client. Before Accept has returned nil, the transport must
// send nothing to the client and run none of its requests. Accept may block until Config.ActionTimeout: ctx should end when
// the client goes.
func (h Host) Accept(ctx context.Context, c *actionhero.Conn, handshake *actionhero.Handshake) (err *actionhero.Error) {
	err, _ = h.host.Accept(ctx, c, handshake).(*actionhero.Error)
	return err
}

// Connected tells the connection middleware that the client c has been welcomed and is in its first room.
func (h Host) Connected(ctx context.Context, c *actionhero.Conn) { h.host.Connected(ctx, c) }

// Disconnected tells the connection middleware that the connection of the client c has ended. The transport calls it
// after [Host.Disconnect], when the contexts of all requests of the client have ended. A second call does nothing.
// Disconnected may block until Config.ActionTimeout for each middleware. If many clients of one address are leaving, Accept
// blocks for the next one, so the place of the connection may be free before Disconnected has returned.
func (h Host) Disconnected(c *actionhero.Conn) { h.host.Disconnected(c) }

// Closing records why the transport closes the connection of the client c, for the connection middleware. The first
// reason counts. A transport does not call it if the client has ended the connection. Conn.Close calls it.
func (h Host) Closing(c *actionhero.Conn, reason string) { h.host.Closing(c, reason) }

// Enter moves the client c, which has just connected, into its first room. Before, Enter calls welcome, which sends the
// welcome message: room is the name of that room, or "" if the client may not enter it. The returned error says why the
// client is not in the room. A client that follows its rooms (see [RoomFollower]) gets no notice of this room.
func (h Host) Enter(ctx context.Context, c *actionhero.Conn, room string, welcome func(room string)) error {
	return h.host.Enter(ctx, c, room, welcome)
}

// Disconnect takes the client c out of all its rooms, notifies the members of these rooms and forgets the client. The
// transport calls Disconnect when the connection has ended, for any reason. A second call does nothing. A method of the
// Sender must not call Disconnect.
func (h Host) Disconnect(c *actionhero.Conn) { h.host.Disconnect(c) }

// HearItself makes the client c a receiver of its own messages to rooms. A transport calls it before the client enters a
// room.
func (h Host) HearItself(c *actionhero.Conn) { h.host.HearItself(c) }

// Listening adds port to the name of this node, which Stats.ID returns. A transport that listens on a port calls
// Listening at each start.
func (h Host) Listening(port int) { h.host.Listening(port) }

// Global returns a function that returns a count in the whole cluster, such as the number of requests, for the status.
// local returns the count of this node since the process began, which never falls. The nodes add their counts under the
// same name. If the other nodes cannot be asked, global returns the last known figure. In a cluster of one node, global
// returns the result of local. Call Global once for each count, not at each start.
func (h Host) Global(name string, local func() int64) (global func(ctx context.Context) int64) {
	return h.host.Global(name, local)
}

// AddOutermost adds a component that starts before the backend opens and stops after the backend has closed, for
// example the log. If several components were added with AddOutermost, they stop in reverse order. AddOutermost must be
// called before the API starts.
func (h Host) AddOutermost(c actionhero.Component) { h.host.AddOutermost(c) }

// AppendDetails appends the details of the connection c to dst as a JSON object, in the order in which they were first
// set, and returns true. If c has no details or is nil, AppendDetails returns dst unchanged and false.
func AppendDetails(dst []byte, c *actionhero.Conn) (object []byte, ok bool) {
	return bridge.DetailsOf(dst, c)
}

// Tag returns the number of this process, with which its ids end that other nodes read (8 hexadecimal digits), such as
// Conn.ID.
func (h Host) Tag() uint32 { return h.host.Tag() }

// NodesWithTag returns the ids of the other live nodes whose [Host.Tag] is tag. Tags are random, so it may be more than
// one. Without a cluster, the list is empty. If the list of nodes cannot be read, err is an *actionhero.Error.
func (h Host) NodesWithTag(ctx context.Context, tag uint32) (ids []string, err error) {
	return h.host.NodesWithTag(ctx, tag)
}

// CallNode calls the function of the transport on another node, see [Host.HandleCalls]. The call reaches that node at
// most once. It has no time limit besides ctx. Body and answer have fewer than backend.MaxCallBytes bytes. The error is an
// *actionhero.Error. If it is of CodeNotFound, the call had no effect: no live node has the id, or it does not know the
// call. Otherwise the call may have had an effect.
func (h Host) CallNode(ctx context.Context, node, name string, body []byte) (answer []byte, err error) {
	return h.host.CallNode(ctx, node, name, body)
}

// HandleCalls sets the function that answers the calls that other nodes send with [Host.CallNode] and this name. A stop of
// the API does not wait for running calls: the transport ends them when it stops. A call may wait as long as it likes, and
// does not delay calls of apps. The context ends when the caller no longer waits. The argument from is the id of the
// calling node. If another function has the name, HandleCalls returns false and does nothing. Call it before the API starts.
func (h Host) HandleCalls(name string, handle func(ctx context.Context, from string, body []byte) (answer []byte, err error)) (ok bool) {
	return h.host.HandleCalls(name, handle)
}

// Part wraps value as a part of an app. Only a transport uses value: the API keeps value when the part is registered,
// and [Host.Parts] returns value to the transport.
func Part(value any) actionhero.Part { return bridge.Part(value).(actionhero.Part) }

// OwnPart returns a part with the actions of part as actions of the transport itself: no list of actions and no document
// has them, and an action of the app with the same name is called in their place.
func OwnPart(part actionhero.Part) actionhero.Part { return bridge.OwnPart(part).(actionhero.Part) }

// Parts returns the values of all registered parts that [Part] made, in the order of their registration.
func (h Host) Parts() []any { return h.host.Extensions() }
