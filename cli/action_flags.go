package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/inplace"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/mediatype"
	"github.com/actionhero-go/actionhero/internal/near"
	"github.com/actionhero-go/actionhero/transport"
)

// ownFlags are the flags of every action. An input with one of these names is given with --json or --stdin.
var ownFlags = []string{"config", "help", "json", "stdin", "running"}

// keyFlag is the flag of an action that takes idempotency keys.
const keyFlag = "idempotency-key"

// actionFlags are the flags of one action, one for each input, and what the command line gives.
type actionFlags struct {
	set            *pflag.FlagSet
	host           transport.Host
	name           string
	info           *actionhero.ActionInfo // nil: the action is unknown
	object         string                 // --json
	key            string                 // --idempotency-key
	server, token  string                 // --server, --token
	stdin, running bool
	help           bool
	values         []inplace.Value // in the order of the line
	files          []*os.File
}

// newActionFlags returns the flags of the action with this name.
func newActionFlags(api *actionhero.API, name string) *actionFlags {
	host := transport.Of(api)
	f := &actionFlags{set: pflag.NewFlagSet(name, pflag.ContinueOnError), host: host, name: name, info: host.DescribeAction(name)}
	f.set.SortFlags = false
	f.set.SetOutput(io.Discard)
	if f.info != nil {
		properties := propertiesOf(f.info)
		for _, in := range f.info.Inputs {
			f.addInput(in, properties[in.Name])
		}
	}
	f.set.StringVar(&f.object, "json", "", "the inputs as a JSON `OBJECT`; flags win")
	f.set.BoolVar(&f.stdin, "stdin", false, "read the inputs from standard input, as a JSON object; flags win")
	if f.takesKeys() {
		f.set.StringVar(&f.key, keyFlag, "", "the `KEY` of this operation: with the same key, it runs once, and a further call prints the answer of that run")
	}
	f.set.BoolVar(&f.running, "running", false, "run the action in the running server, within 30 seconds")
	f.addRemote()
	f.set.String("config", "", "read this configuration file instead of the one in the working directory")
	f.set.BoolVarP(&f.help, "help", "h", false, "list the inputs of the action")
	return f
}

// takesKeys reports whether the action takes idempotency keys.
func (f *actionFlags) takesKeys() bool {
	return f.info != nil && f.info.IdempotencyKey != actionhero.KeyIgnored
}

// addInput adds the flag of an input. The flag checks nothing, so that a wrong value has the error of every transport.
func (f *actionFlags) addInput(in actionhero.Input, p property) {
	if slices.Contains(ownFlags, in.Name) || in.Name == keyFlag && f.takesKeys() || strings.ContainsAny(in.Name, "= \t\n") || strings.HasPrefix(in.Name, "-") {
		return
	}
	flag := f.set.VarPF(&inputFlag{f, in.Name, flagType(in, p)}, in.Name, "", inputUsage(in, p))
	if p.Default != nil {
		flag.DefValue = textOf(p.Default)
	}
	if flag.Value.Type() == typeBool {
		flag.NoOptDefVal = "true"
	}
}

// inputUsage describes an input in the help of the action.
func inputUsage(in actionhero.Input, p property) string {
	p.Default = nil // the help prints it itself
	var notes []string
	if in.Required {
		notes = append(notes, "required")
	}
	if rules := p.rules(); rules != "" {
		notes = append(notes, rules)
	}
	if in.Secret {
		notes = append(notes, "secret: other users of this machine see flags, and do not see --stdin")
	}
	if p.Type == "array" {
		notes = append(notes, "repeat the flag for several")
	}
	text := strings.ReplaceAll(cmp.Or(p.Description, in.Doc), "`", "'") // backquotes name the value of the flag
	switch {
	case len(notes) == 0:
		return text
	case text == "":
		return strings.Join(notes, "; ")
	}
	return text + " (" + strings.Join(notes, "; ") + ")"
}

// The types of flags, as the help shows them.
const (
	typeBool = "bool"
	typeFile = "file"
	typeJSON = "json"
)

// flagType returns the type of the flag of an input.
func flagType(in actionhero.Input, p property) string {
	kind, format := in.Type, in.Format
	if kind == "array" && p.Items != nil {
		kind, format = p.Items.Type, p.Items.Format
	}
	switch {
	case kind == "string" && format == "binary":
		return typeFile
	case kind == "string" && format != "":
		return format
	case kind == "integer":
		return "int"
	case kind == "boolean":
		return typeBool
	case kind == "object", kind == "array", kind == "":
		return typeJSON
	}
	return kind
}

// inputFlag is the value of the flag of one input.
type inputFlag struct {
	flags *actionFlags
	key   string
	kind  string
}

// String implements pflag.Value. It returns "", because the help prints the default from elsewhere.
func (*inputFlag) String() string { return "" }

// Type implements pflag.Value.
func (v *inputFlag) Type() string { return v.kind }

// Set implements pflag.Value. It notes the value of the input.
func (v *inputFlag) Set(text string) error {
	value := inplace.Value{Key: v.key, Text: text}
	switch {
	case v.kind == typeFile:
		file, err := v.flags.open(text)
		if err != nil {
			return err
		}
		value.File = file
	case v.kind == typeJSON && json.Valid([]byte(text)):
		value.JSON = json.RawMessage(text)
	}
	v.flags.values = append(v.flags.values, value)
	return nil
}

func (f *actionFlags) open(path string) (*actionhero.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f.files = append(f.files, file)
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	return &actionhero.File{Name: name, Type: mediatype.Of(name), Size: info.Size(), ReadSeeker: file}, nil
}

// close closes the files that are inputs.
func (f *actionFlags) close() {
	for _, file := range f.files {
		_ = file.Close()
	}
}

// parse parses the arguments behind the name of the action.
func (f *actionFlags) parse(args []string) error {
	for _, arg := range args {
		name, ok := strings.CutPrefix(arg, "--")
		if name, _, _ = strings.Cut(name, "="); !ok || name == "" || f.set.Lookup(name) != nil {
			continue
		}
		if !f.accepts(name) {
			return f.unknown(name)
		}
		f.set.VarPF(&inputFlag{f, name, "string"}, name, "", "").Hidden = true
	}
	if err := f.set.Parse(args); err != nil {
		return usage("%w; \"action %s --help\" lists the flags", err, f.name)
	}
	if rest := f.set.Args(); len(rest) > 0 {
		if _, _, isInput := strings.Cut(rest[0], "="); isInput {
			return usage("%q is no flag: write --%[1]s", rest[0])
		}
		return usage("%q is no flag: write --INPUT=VALUE", rest[0])
	}
	return nil
}

// accepts reports whether the API takes a param that no action declares, such as a token for a middleware, and the page
// of a list. Of an unknown action it takes every flag, so that the error is that the action is unknown.
func (f *actionFlags) accepts(key string) bool {
	if f.info == nil {
		return true
	}
	if !f.host.Accepts(key) || slices.Contains([]string{"action", "callback", "outputType"}, key) {
		return false
	}
	return !slices.ContainsFunc(f.host.Actions(), func(info actionhero.ActionInfo) bool {
		return slices.ContainsFunc(info.Inputs, func(in actionhero.Input) bool { return in.Name == key })
	})
}

func (f *actionFlags) unknown(name string) error {
	var known []string
	f.set.VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
	if meant := near.Name(name, known); meant != "" {
		return usage("--%s is not an input of action %q; did you mean --%s?", name, f.name, meant)
	}
	return usage("--%s is not an input of action %q: \"action %s --help\" lists the inputs", name, f.name, f.name)
}

// addRemote adds --server and --token, unless the action has inputs of these names.
func (f *actionFlags) addRemote() {
	if f.set.Lookup("server") == nil {
		f.set.StringVar(&f.server, "server", "", "run the action in the server at this `URL`, over HTTP")
	}
	if f.set.Lookup("token") == nil {
		f.set.StringVar(&f.token, "token", "", "the bearer `TOKEN` for --server; @FILE reads it from a file, which other users of this machine do not see")
	}
}

// call returns the request of the line.
func (f *actionFlags) call(stdin io.Reader) (*inplace.Call, error) {
	if f.server == "" && f.token != "" && f.host.Accepts("token") { // a param of the app
		f.values, f.token = append(f.values, inplace.Value{Key: "token", Text: f.token}), ""
	}
	call := &inplace.Call{Action: f.name, Values: f.values, IdempotencyKey: f.key}
	switch {
	case f.key == "" && f.set.Changed(keyFlag):
		return nil, usage("--%s is empty: use a key of 1 to 255 characters", keyFlag)
	case f.object != "" && f.stdin:
		return nil, usage("there are both --json and --stdin: use one of them")
	case f.stdin:
		text, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("the standard input cannot be read: %w", err)
		}
		call.Object = text
	case f.object != "":
		call.Object = json.RawMessage(f.object)
	}
	if call.Object == nil {
		return call, nil
	}
	if err := jsonx.Members(call.Object, func(string, []byte) error { return nil }); err != nil {
		return nil, usage("the inputs are no JSON object: %w", err)
	}
	return call, nil
}

// printHelp lists the inputs of the action. line is the command that runs it.
func (f *actionFlags) printHelp(out io.Writer, line string) error {
	if f.info == nil {
		return failed(actionhero.Errorf(actionhero.CodeNotFound, "%s is not a known action.", f.name))
	}
	if f.info.Description != "" {
		fmt.Fprintf(out, "%s\n\n", f.info.Description)
	}
	if d := f.info.Deprecated; d != nil {
		fmt.Fprintf(out, "Deprecated %s\n\n", d)
	}
	_, err := fmt.Fprintf(out, "Usage:\n  %s [--INPUT=VALUE...]\n\nInputs and flags:\n%s", line, f.set.FlagUsages())
	return err
}
