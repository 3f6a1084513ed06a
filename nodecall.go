package actionhero

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// NodeCall is the declaration of a function that the nodes of a cluster call at each other, for example to make every
// node read a file again. It is a [Part]: list it with the actions and tasks of the app, on every node.
//
//	var Reload = actionhero.NodeCall[actionhero.None, ReloadOutput]{Name: "reload", Run: reload}
//
//	answers, err := Reload.CallAll(ctx, api, actionhero.None{})
//
// In is a struct type whose fields are the inputs, with the same tags as the inputs of an [Action]. Out is any type that
// encodes as JSON. Clients cannot call a NodeCall, and the middleware of the API does not run. A call reaches its node at
// most once and is never repeated. After an error of [CodeUnavailable], [CodeDeadlineExceeded] or [CodeCanceled], it may
// have run.
type NodeCall[In, Out any] struct {
	Name    string        // 1 to 64 letters, digits and _ . : -; required
	Timeout time.Duration // time limit of a call; negative: no limit; default: Config.ActionTimeout

	// Run answers the call on the node that is called. The input in is decoded and checked. If Run returns an *[Error],
	// the caller receives its code, message and details. Any other error, a panic and an end of the goroutine are logged
	// on the node of Run, and the caller receives an internal error. [RequestFrom] returns a Request with the API of the
	// node. The context ends when the caller no longer waits, at the time limit and at a stop.
	Run func(ctx context.Context, in In) (Out, error)
}

// NodeAnswer is the answer of one node to a call of all nodes, see [NodeCall.CallAll].
type NodeAnswer[Out any] struct {
	Node string // the id of the node
	Out  Out
	Err  error // nil, or an *[Error]
}

// nodeCall is a registered [NodeCall] without its type parameters.
type nodeCall struct {
	name  string
	limit time.Duration // as NodeCall.Timeout
	input *schema.Input
	run   func(ctx context.Context, req *Request) (answer []byte, err error)
}

// internalCalls begins the names of the calls that this package declares.
const internalCalls = "actionhero:"

func (n NodeCall[In, Out]) register(r *registry) error {
	if strings.HasPrefix(n.Name, internalCalls) {
		return fmt.Errorf("the node call %q has a name that begins with %q, which is for calls of the framework: choose another", n.Name, internalCalls)
	}
	return n.add(r)
}

// add registers n without the check for names of the framework.
func (n NodeCall[In, Out]) add(r *registry) error {
	call, err := n.compile()
	if err != nil {
		return err
	}
	if _, taken := r.nodeCalls[n.Name]; taken {
		return fmt.Errorf("two node calls are named %q: rename one, or register it once", n.Name)
	}
	r.nodeCalls[n.Name] = call
	return nil
}

func (n NodeCall[In, Out]) compile() (*nodeCall, error) {
	switch {
	case n.Name == "":
		return nil, fmt.Errorf("a node call that takes %v and answers %v has no name: set Name", reflect.TypeFor[In](), reflect.TypeFor[Out]())
	case !actionName.MatchString(n.Name):
		return nil, fmt.Errorf("node call name %q is not allowed: use 1 to 64 letters, digits and _ . : -", n.Name)
	case n.Run == nil:
		return nil, fmt.Errorf("node call %q has no Run: set the function that answers it", n.Name)
	}
	input, err := schema.CompileInput(reflect.TypeFor[In](), schema.Options{FileType: reflect.TypeFor[File]()})
	if err != nil {
		return nil, fmt.Errorf("node call %q: %w", n.Name, err)
	}
	for _, f := range input.Fields() {
		if f.File {
			return nil, fmt.Errorf("node call %q: its input %s is an uploaded file, which is on one node alone: pass the bytes or a name", n.Name, f.Name)
		}
	}
	return &nodeCall{name: n.Name, limit: n.Timeout, input: input, run: func(ctx context.Context, req *Request) ([]byte, error) {
		var in In
		if fail := input.Decode(&in, req.Params.list); fail != nil {
			return nil, inputError(fail, "call")
		}
		out, err := n.Run(ctx, in)
		if err != nil {
			return nil, err
		}
		return appendAnswer(n.Name, out)
	}}, nil
}

func appendAnswer(name string, out any) ([]byte, error) {
	answer, err := encode.Append([]byte{answered}, out)
	if err != nil {
		return nil, fmt.Errorf("the answer of node call %q does not encode: %w", name, err)
	}
	return answer, nil
}

// Call calls the node with the id node, which may be this node, and returns its answer. The input is checked on this node
// and on the called one. A field of in with its zero value counts as not given, as [Action.Call] says. Input and answer
// have at most [backend.MaxCallBytes] bytes as JSON.
//
// The error is an *[Error]: the error of Run, or one of these. [CodeNotFound]: no live node has the id, or the node does not
// know the call, because it runs another version of the app. [CodeInvalidInput]: the input breaks a rule or is too large.
// [CodeUnavailable]: the node cannot be reached or has left the cluster. [CodeDeadlineExceeded]: the time limit has
// passed.
func (n NodeCall[In, Out]) Call(ctx context.Context, api *API, node string, in In) (Out, error) {
	call, body, err := n.encode(api, in)
	if err != nil {
		var none Out
		return none, err
	}
	return n.call(ctx, api, call, node, body)
}

func (n NodeCall[In, Out]) call(ctx context.Context, api *API, call *nodeCall, node string, body []byte) (out Out, err error) {
	if limit := cmp.Or(call.limit, api.cfg.ActionTimeout); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	raw, err := api.Cluster.nodes.Call(ctx, node, n.Name, body)
	if err != nil {
		return out, clusterError(err)
	}
	raw, err = readAnswer(node, n.Name, raw)
	if err == nil {
		if broken := jsonx.Unmarshal(raw, &out); broken != nil {
			err = &Error{Code: CodeInternal, Message: internalText, Err: fmt.Errorf("the answer of node %q to the call %q is no %T: %w", node, n.Name, out, broken)}
		}
	}
	return out, err
}

// maxCallsAtOnce is the number of nodes that one CallAll calls at a time.
const maxCallsAtOnce = 64

// CallAll calls all live nodes at the same time, this node included, and returns one answer for each, sorted by the ids
// of the nodes. A node that fails has its error in its answer. The returned error is not nil if the list of the nodes
// cannot be read or if the input breaks a rule.
func (n NodeCall[In, Out]) CallAll(ctx context.Context, api *API, in In) ([]NodeAnswer[Out], error) {
	call, body, err := n.encode(api, in)
	if err != nil {
		return nil, err
	}
	peers, err := api.Cluster.Peers(ctx)
	if err != nil {
		return nil, err
	}
	answers := make([]NodeAnswer[Out], len(peers))
	slots := make(chan struct{}, maxCallsAtOnce)
	var wg sync.WaitGroup
	for i := range peers {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			answers[i].Node = peers[i].ID
			answers[i].Out, answers[i].Err = n.call(ctx, api, call, peers[i].ID, body)
		})
	}
	wg.Wait()
	return answers, nil
}

// Notify sends the call to all live nodes, this node included, and does not wait for them. Their answers are dropped, and
// their errors are logged where they occur. A node that is cut off misses the call. The returned error is as from Call.
func (n NodeCall[In, Out]) Notify(ctx context.Context, api *API, in In) error {
	_, body, err := n.encode(api, in)
	if err != nil {
		return err
	}
	return clusterError(api.Cluster.nodes.Notify(ctx, n.Name, body))
}

// encode returns the registered form of n and the input as JSON, after its check.
func (n NodeCall[In, Out]) encode(api *API, in In) (*nodeCall, []byte, error) {
	call := api.registry.Load().nodeCalls[n.Name]
	if call == nil {
		return nil, nil, Errorf(CodeNotFound, "%s is not a known call between nodes", cmp.Or(n.Name, "{no name}"))
	}
	input, err := inputFor[In](call.input)
	var body []byte
	if err == nil {
		body, err = input.AppendObject(nil, &in)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the input of node call %q does not encode: %w", n.Name, err)
	}
	var params Params
	writer := (*paramsWriter)(&params)
	writer.AcceptAll()
	if err := writer.AddObject(body); err != nil {
		return nil, nil, err
	}
	if fail := call.input.Decode(new(In), params.list); fail != nil {
		return nil, nil, inputError(fail, "call")
	}
	return call, body, nil
}
