package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/actionhero-go/actionhero"
)

// completeAction completes the names of actions, the flags of the named action, and the values of flags that have a
// list of values. It prints nothing if the configuration is wrong.
func (a *app) completeAction(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	line, err := parseActionLine(args)
	if err != nil {
		return nil, none
	}
	a.file = line.config
	cfg, err := a.load()
	if err != nil {
		return nil, none
	}
	api, err := (&Env{Stderr: io.Discard, Config: cfg, parts: a.parts}).API()
	if err != nil {
		return nil, none
	}
	if line.name == "" {
		return actionNames(api.Actions(), word), none
	}
	return newActionFlags(api, line.versionedName(api)).complete(word, line.rest)
}

// complete completes a flag, or the value of the flag at the end of rest or in word.
func (f *actionFlags) complete(word string, rest []string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(rest) > 0 && strings.HasPrefix(rest[len(rest)-1], "--") && !strings.Contains(rest[len(rest)-1], "=") {
		if flag := f.set.Lookup(rest[len(rest)-1][2:]); flag != nil && flag.NoOptDefVal == "" {
			return f.completeValue(flag, "", word)
		}
	}
	if name, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(name, "--") {
		if flag := f.set.Lookup(name[2:]); flag != nil {
			return f.completeValue(flag, name+"=", value)
		}
		return nil, none
	}
	return f.names(word, rest), none | cobra.ShellCompDirectiveNoSpace
}

// actionNames returns the names of the actions that begin with word, each with its description.
func actionNames(actions []actionhero.ActionInfo, word string) (names []string) {
	for _, info := range actions {
		if name := calledName(&info); strings.HasPrefix(name, word) {
			names = append(names, name+"\t"+info.Description)
		}
	}
	return names
}

// calledName returns the name by which the command line runs the action: of versions, the newest has the plain name.
func calledName(info *actionhero.ActionInfo) string {
	if info.Superseded {
		return info.VersionedName()
	}
	return info.Name
}

// names returns the flags that begin with word and do not stand in rest already, unless they may be repeated. Package
// cobra adds --config.
func (f *actionFlags) names(word string, rest []string) (names []string) {
	given := map[string]bool{}
	for _, arg := range rest {
		name, _, _ := strings.Cut(arg, "=")
		given[name] = true
	}
	properties := map[string]property{}
	if f.info != nil {
		properties = propertiesOf(f.info)
	}
	f.set.VisitAll(func(flag *pflag.Flag) {
		name := "--" + flag.Name
		if flag.Hidden || flag.Name == "config" || !strings.HasPrefix(name, word) || given[name] && properties[flag.Name].Type != "array" {
			return
		}
		if flag.NoOptDefVal == "" {
			name += "="
		} else {
			name += " "
		}
		names = append(names, name+"\t"+strings.ReplaceAll(flag.Usage, "`", ""))
	})
	return names
}

// completeValue returns the values of a flag that begin with word, each behind prefix. For a file the shell completes its name.
func (f *actionFlags) completeValue(flag *pflag.Flag, prefix, word string) (values []string, _ cobra.ShellCompDirective) {
	if flag.Value.Type() == typeFile || flag.Name == "config" {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var choices []string
	if flag.Value.Type() == typeBool {
		choices = []string{"true", "false"}
	}
	if f.info != nil {
		p := propertiesOf(f.info)[flag.Name]
		choices = append(choices, p.choices()...)
	}
	for _, choice := range choices {
		if strings.HasPrefix(choice, word) {
			values = append(values, prefix+choice)
		}
	}
	return values, cobra.ShellCompDirectiveNoFileComp
}
