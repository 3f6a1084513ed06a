package actionhero

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/schema"
)

// How a request asks for a version of an action: in the name, as in "v2/NAME", in a param, or in a header. The first of
// these that it has counts.
const (
	versionParam  = "apiVersion"
	versionHeader = "Api-Version"
)

// versionedName returns the name of exactly one version of an action, such as "v2/NAME". No action can be named so. An
// action without a version has its plain name.
func versionedName(name string, version int) string {
	if version == 0 {
		return name
	}
	return "v" + strconv.Itoa(version) + "/" + name
}

// cutVersion splits a name such as "v2/NAME". If the name has no version, it returns the whole name.
func cutVersion(name string) (plain string, version int) {
	digits, plain, ok := strings.Cut(name, "/")
	if !ok || !strings.HasPrefix(digits, "v") {
		return name, 0
	}
	version, err := strconv.Atoi(digits[1:])
	if err != nil || version < 1 || strconv.Itoa(version) != digits[1:] {
		return name, 0
	}
	return plain, version
}

// VersionedName returns the name by which a client calls exactly this version of the action, such as "v2/NAME". For an
// action without a version, it is the Name.
func (i *ActionInfo) VersionedName() string { return versionedName(i.Name, i.Version) }

// addVersion adds an action with a version. The newest version is the action of its name.
func (r *registry) addVersion(act *action) error {
	name, version := act.info.Name, act.info.Version
	if act.takes(versionParam) {
		return fmt.Errorf("action %q has a Version and an input %q, but the param of that name chooses the version: give the input another name in its json tag", name, versionParam)
	}
	family := slices.Clone(r.families[name])
	at, taken := slices.BinarySearchFunc(family, version, func(a *action, v int) int { return cmp.Compare(v, a.info.Version) })
	if taken {
		return fmt.Errorf("two actions are named %q and have the Version %d: change one, or register it once", name, version)
	}
	family = slices.Insert(family, at, act)
	r.families[name], r.versions[act.info.VersionedName()] = family, act
	r.actions[name] = family[0]
	r.accepted[versionParam], r.free[versionParam] = versionParam, versionParam
	return nil
}

// all returns each version of each action, except for those of the framework: by name, and the newest version first.
func (r *registry) all() iter.Seq[*action] {
	return func(yield func(*action) bool) {
		for _, name := range slices.Sorted(maps.Keys(r.actions)) {
			family := r.families[name]
			if family == nil {
				family = []*action{r.actions[name]}
			}
			for _, act := range family {
				if !yield(act) {
					return
				}
			}
		}
	}
}

// names returns the names by which [registry.action] finds the actions of r.all: the plain names, and those of the
// versions.
func (r *registry) names() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name := range r.actions {
			if !yield(name) {
				return
			}
		}
		for name := range r.versions {
			if !yield(name) {
				return
			}
		}
	})
}

// requested returns the action that req asks for, or nil. A request that its action forwards asks only by its name: its
// params and headers were for the first action.
func (r *registry) requested(req *Request) *action {
	act := r.actions[req.Action]
	if act == nil {
		return r.action(req.Action)
	}
	if !act.versioned || req.ctx.req != nil {
		return act
	}
	version, err := req.askedVersion()
	if err != nil || version == 0 {
		return act
	}
	return r.version(req.Action, version)
}

// version returns a version of an action, or nil.
func (r *registry) version(name string, version int) *action {
	for _, act := range r.families[name] {
		if act.info.Version == version {
			return act
		}
	}
	return nil
}

// chooseVersion sets the action of req, whose name is the one of an action with versions or stands in no list of names.
// The field Action becomes the plain name.
func (r *registry) chooseVersion(req *Request) {
	if req.act = r.requested(req); req.act == nil || !req.act.versioned {
		return
	}
	if name := req.act.info.Name; req.Action != name {
		if req.Action = name; req.Params.Has("action") {
			req.Params.Set("action", name)
		}
	} else if _, err := req.askedVersion(); err != nil && req.Err == nil && req.ctx.req == nil {
		req.Err = err
	}
}

// askedVersion returns the version for which a param or a header of the request asks, or 0. It does not read the name.
func (r *Request) askedVersion() (int, error) {
	if r.caller != nil {
		return 0, nil
	}
	source, text := versionParam, r.Params.Get(versionParam)
	if text == "" && !r.Params.Has(versionParam) {
		source, text = "the header "+versionHeader, r.Header(versionHeader)
	}
	if text == "" {
		return 0, nil
	}
	version, ok := schema.WholeNumber(text)
	if !ok || version < 1 {
		return 0, Errorf(CodeInvalidInput, "%s must be a whole number of 1 or more", source)
	}
	return version, nil
}

// unknownVersion returns the error for a request that asks for a version which its action does not have, or nil if it asks
// for something else.
func (r *registry) unknownVersion(req *Request) *Error {
	name, version := cutVersion(req.Action)
	if version == 0 {
		version, _ = req.askedVersion()
	}
	var known []string
	for _, act := range slices.Backward(r.families[name]) {
		if act.isOver(req) {
			known = append(known, strconv.Itoa(act.info.Version))
		}
	}
	if version == 0 || len(known) == 0 {
		return nil
	}
	return Errorf(CodeNotFound, "%s has no version %d: choose one of %s", name, version, strings.Join(known, ", "))
}

// describeVersion sets what the other versions of an action mean for it. Of several versions that are the same tool, the
// newest one is the tool.
func (r *registry) describeVersion(act *action, info *ActionInfo) {
	for _, newer := range r.families[info.Name] {
		if newer == act {
			return
		}
		info.Superseded = true
		if info.Tool != nil && newer.info.Tool != nil && newer.info.Tool.Name == info.Tool.Name {
			info.Tool = nil
		}
	}
}
