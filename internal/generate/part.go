package generate

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/actionhero-go/actionhero/internal/command"
	"github.com/actionhero-go/actionhero/internal/cron"
	"github.com/actionhero-go/actionhero/internal/near"
	"github.com/actionhero-go/actionhero/internal/route"
)

// kind is a kind of parts, with the folder of its files.
type kind struct {
	name, folder string
	options      []string // the options that it takes
	suffixes     []string // of further identifiers in its file
}

var kinds = []*kind{
	{"action", "actions", []string{"inputs", "route", "kind"}, []string{"Input", "Output"}},
	{"task", "tasks", []string{"inputs", "scope", "frequency", "cron"}, []string{"Input"}},
	{"initializer", "initializers", nil, nil},
	{"middleware", "middleware", []string{"scope"}, []string{"Everywhere"}},
	{"room", "rooms", nil, []string{"Room"}},
}

// Kinds returns the names of the kinds of parts.
func Kinds() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// Part describes a new part. Only Kind and Name are required.
type Part struct {
	Kind        string // one of [Kinds]
	Name        string // see [ParseName]
	Description string // one sentence; default: a sentence to replace
	Inputs      string // of an action or a task: "name:string!,age:int"
	Route       string // of an action: "POST /users/{id}"; default: none
	Effect      string // of an action: write, read or destructive; default: write
	Scope       string // of a task: any or all, the nodes; of a middleware: all or one, the actions
	Frequency   string // of a task: "90s"; default: no schedule
	Cron        string // of a task: "0 8 * * MON-FRI"; default: no schedule
}

// builtinNames are the names of the parts of builtin.All, which an app usually has.
var builtinNames = []string{"status", "actionsView", "file", "runAction"}

// compiled is a Part whose fields are checked, in the form that the templates need.
type compiled struct {
	Part
	Name
	kind *kind

	Package, ImportPath string
	InputList           []input
	KindName            string // such as actionhero.KindRead; empty: the default
	ScopeName           string // such as actionhero.ScopeAllNodes; empty: the default
	Every               string // the frequency as an expression of Go; empty: none
	Room                string
}

// Create writes the files of a new part into the app that the folder dir belongs to, and brings its list up to date. An
// existing name is refused. A dry run writes nothing.
func (p Part) Create(dir string, dry bool) (Synced, error) {
	app, err := findApp(dir)
	if err != nil {
		return Synced{}, err
	}
	c, err := p.compile()
	if err != nil {
		return Synced{}, err
	}
	if err := c.place(app); err != nil {
		return Synced{}, err
	}
	w, err := openWriter(app.dir, dry)
	if err != nil {
		return Synced{}, err
	}
	defer w.close()
	name := path.Join(c.dir(), c.fileName(c.kind.name))
	for _, file := range []string{name + ".go", name + "_test.go"} {
		if w.exists(file) {
			return Synced{}, fmt.Errorf("%s exists already: use another name, or delete the file", file)
		}
	}
	for suffix, template := range map[string]string{".go": c.kind.name, "_test.go": c.kind.name + "_test"} {
		source, err := render("part/"+template+".go.tmpl", c)
		if err != nil {
			return Synced{}, err
		}
		if err := w.create(name+suffix, source); err != nil {
			return Synced{Files: w.files}, err
		}
	}
	slices.SortFunc(w.files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	synced, err := syncApp(app, dry)
	synced.Files = append(w.files, synced.Files...)
	return synced, err
}

// Check returns an error if a field of the part is wrong.
func (p Part) Check() error {
	_, err := p.compile()
	return err
}

func (p Part) compile() (*compiled, error) {
	i := slices.IndexFunc(kinds, func(k *kind) bool { return k.name == p.Kind })
	if i < 0 {
		return nil, fmt.Errorf("there is no kind %q: use %s", p.Kind, strings.Join(Kinds(), ", "))
	}
	c := &compiled{Part: p, kind: kinds[i]}
	var err error
	if c.Name, err = ParseName(p.Name); err != nil {
		return nil, err
	}
	if err := c.checkOptions(); err != nil {
		return nil, err
	}
	if c.InputList, err = parseInputs(p.Inputs, p.Kind); err != nil {
		return nil, err
	}
	if c.Part.Description, err = sentence(p.Description); err != nil {
		return nil, err
	}
	c.Room = c.Wire
	switch p.Kind {
	case "action":
		err = c.checkAction()
	case "task":
		err = c.checkTask()
	case "middleware":
		err = oneOf("scope", p.Scope, "all", "one")
	}
	return c, err
}

// sentence returns the description without its full stop.
func sentence(text string) (string, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) {
		return "", errors.New("the description has a line break or another control character: write one sentence on one line")
	}
	return strings.TrimSuffix(strings.TrimSpace(text), "."), nil
}

// checkOptions refuses options that the kind does not take.
func (c *compiled) checkOptions() error {
	for _, o := range []struct{ name, value string }{
		{"inputs", c.Inputs}, {"route", c.Route}, {"kind", c.Effect}, {"scope", c.Scope}, {"frequency", c.Frequency}, {"cron", c.Cron},
	} {
		if o.value != "" && !slices.Contains(c.kind.options, o.name) {
			return fmt.Errorf("a new %s has no option --%s: remove it", c.kind.name, o.name)
		}
	}
	return nil
}

func oneOf(option, value string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	hint := ""
	if like := near.Name(value, allowed); like != "" {
		hint = fmt.Sprintf(" (did you mean %s?)", like)
	}
	return fmt.Errorf("--%s is %q%s: use %s", option, value, hint, strings.Join(allowed, " or "))
}

func (c *compiled) checkAction() error {
	switch {
	case slices.Contains(builtinNames, c.Wire):
		return fmt.Errorf("the name %q is taken by a built-in action: use another name", c.Wire)
	case command.Reserved(c.Wire):
		return fmt.Errorf("the name %q is a command of the persistent transports: use another name", c.Wire)
	}
	if err := oneOf("kind", c.Effect, "write", "read", "destructive"); err != nil {
		return err
	}
	if c.Effect == "read" || c.Effect == "destructive" {
		c.KindName = "actionhero.Kind" + identOf([]string{c.Effect})
	}
	if c.Route == "" {
		return nil
	}
	pattern, err := route.Parse(c.Route)
	if err != nil {
		return err
	}
	if c.Effect == "read" && slices.Contains([]string{"PUT", "PATCH", "DELETE"}, pattern.Method) {
		return fmt.Errorf("the route %q has a method for changes, but the kind is read: use --kind write or destructive, or a route with GET or POST", c.Route)
	}
	for _, name := range pattern.Names() {
		if !slices.ContainsFunc(c.InputList, func(in input) bool { return in.Name == name }) {
			return fmt.Errorf("the route %q has {%s}, which is no input: add %s:string! to --inputs", c.Route, name, name)
		}
	}
	return nil
}

// minFrequency is the least frequency of a task.
const minFrequency = 10 * time.Millisecond

func (c *compiled) checkTask() error {
	if slices.Contains(builtinNames, c.Wire) {
		return fmt.Errorf("the name %q is taken by a built-in task: use another name", c.Wire)
	}
	if err := oneOf("scope", c.Scope, "any", "all"); err != nil {
		return err
	}
	if c.Scope == "all" {
		c.ScopeName = "actionhero.ScopeAllNodes"
	}
	if c.Frequency != "" && c.Cron != "" {
		return errors.New("the task has a frequency and a cron expression: use one of the two")
	}
	if c.Frequency != "" {
		every, err := time.ParseDuration(c.Frequency)
		if err != nil || every < minFrequency {
			return fmt.Errorf("--frequency is %q: use a duration of at least %v with its unit, such as 90s or 1h", c.Frequency, minFrequency)
		}
		c.Every = durationExpr(every)
	}
	if c.Cron != "" {
		if _, err := cron.Parse(c.Cron, time.UTC); err != nil {
			return err
		}
	}
	if names := required(c.InputList); len(names) > 0 && c.Frequency+c.Cron != "" {
		return fmt.Errorf("the task has a schedule, but its input %s is required and scheduled runs have no input: remove the ! or the schedule", names[0])
	}
	return nil
}

// durationExpr returns a duration as an expression of Go, such as "90 * time.Second".
func durationExpr(d time.Duration) string {
	for _, unit := range []struct {
		d    time.Duration
		name string
	}{{time.Hour, "time.Hour"}, {time.Minute, "time.Minute"}, {time.Second, "time.Second"}, {time.Millisecond, "time.Millisecond"}, {time.Microsecond, "time.Microsecond"}} {
		if n := d / unit.d; d%unit.d == 0 && n == 1 {
			return unit.name
		} else if d%unit.d == 0 {
			return strconv.FormatInt(int64(n), 10) + " * " + unit.name
		}
	}
	return strconv.FormatInt(int64(d), 10) + " * time.Nanosecond"
}

// dir returns the folder of the part, relative to the app.
func (c *compiled) dir() string {
	return path.Join(append([]string{c.kind.folder}, c.Folders...)...)
}

// place finds the package of the part, and refuses a name that the app has already.
func (c *compiled) place(app root) error {
	packages, err := existing(app, c.kind)
	if err != nil {
		return err
	}
	c.Package, c.ImportPath = path.Base(c.dir()), path.Join(app.module, c.dir())
	for _, p := range packages {
		for _, sel := range []string{"Action", "Task", "Initializer"} {
			if at, taken := p.wires[sel+" "+c.Wire]; taken && strings.EqualFold(sel, c.kind.name) {
				return fmt.Errorf("the name %q is taken by the %s in %s: use another name", c.Wire, c.kind.name, at)
			}
		}
		if p.dir != c.dir() {
			continue
		}
		c.Package = p.name
		for _, suffix := range append([]string{""}, c.kind.suffixes...) {
			for _, ident := range []string{c.Ident + suffix, "run" + c.Ident} {
				if p.declared(ident) {
					return fmt.Errorf("the package in %s declares %s already: use another name", p.dir, ident)
				}
			}
		}
	}
	return nil
}

// Says returns the description, or a sentence to replace.
func (c *compiled) Says() string {
	return cmp.Or(c.Part.Description, "Describe "+c.Wire+" here in one sentence")
}

// HasTime reports whether the file needs the package time.
func (c *compiled) HasTime() bool { return c.Every != "" || needsTime(c.InputList) }

// Required returns the inputs that must be given.
func (c *compiled) Required() []string { return required(c.InputList) }

// Echoed returns the inputs that the new action repeats in its output.
func (c *compiled) Echoed() []input {
	return slices.DeleteFunc(slices.Clone(c.InputList), func(in input) bool { return !in.Echo() })
}

// Compared returns the echoed inputs that the test compares.
func (c *compiled) Compared() []input {
	return slices.DeleteFunc(c.Echoed(), func(in input) bool { return in.Want == "" })
}

// HasFile reports whether an input is a file.
func (c *compiled) HasFile() bool {
	return slices.ContainsFunc(c.InputList, func(in input) bool { return in.IsFile })
}

// HasDuration reports whether the test needs the package time.
func (c *compiled) HasDuration() bool {
	return slices.ContainsFunc(c.Compared(), func(in input) bool { return strings.Contains(in.Want, "time.") })
}
