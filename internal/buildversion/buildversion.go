// Package buildversion reads the versions of the running program from its build information.
package buildversion

import (
	"runtime/debug"
)

// Program describes the running program.
type Program struct {
	Path     string // of the main package
	Version  string // of the module of the program; empty if it is a checkout of module, or the version is not known
	Revision string // of the version control; empty if it is not known
}

// Of returns the description of the running program. module is the path of the module of this package.
func Of(module string) Program {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Program{}
	}
	p := Program{Path: info.Path}
	if info.Main.Path != module && info.Main.Version != "(devel)" {
		p.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			p.Revision = s.Value
		}
	}
	return p
}

// Text returns version, and up to 12 characters of the revision of the program if it is known.
func Text(version string) string {
	if revision := Of("").Revision; revision != "" {
		return version + "+" + revision[:min(len(revision), 12)]
	}
	return version
}
