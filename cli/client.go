package cli

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/clientgen"
)

// client writes clients of the app. It starts no server and opens no connection.
func (a *app) client() *cobra.Command {
	cmd := a.command(&Command{Name: "client", Short: "Write a client of the app, in TypeScript or in Go, from the types of the actions"})
	for _, c := range []Command{
		a.clientIn("ts", "TypeScript", "client", clientgen.TypeScript),
		a.clientIn("go", "Go", "client", clientgen.Go),
	} {
		cmd.AddCommand(a.command(&c))
	}
	return cmd
}

// clientFlags are the flags of the commands that write a client.
type clientFlags struct {
	folder, without, pkg string
	check                bool
}

// clientIn returns the command that writes the client in a language.
func (a *app) clientIn(name, language, folder string, write func(actionhero.Description, clientgen.Options) ([]clientgen.File, error)) Command {
	f := &clientFlags{folder: folder}
	return Command{
		Name: name, Short: "Write a client in " + language,
		Flags: func(flags *flag.FlagSet) {
			flags.StringVar(&f.folder, "out", folder, "write the files into this `folder`, which is made if it is missing")
			flags.StringVar(&f.without, "without", "", "leave out the actions with these `names`, separated by commas; * stands for any characters")
			if name == "go" {
				flags.StringVar(&f.pkg, "package", "", "`name` of the package; default: the name of the folder")
			}
			flags.BoolVar(&f.check, "check", false, "write nothing, and fail if the files in the folder are not those of the app")
		},
		Run: func(_ context.Context, env *Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			o := f.options("client " + name)
			o.Path = "/" + env.Config.CommonWeb.URLPathForActions
			files, err := write(s.Describe(), o)
			if err != nil {
				return err
			}
			if !f.check {
				return clientgen.Write(f.folder, files)
			}
			if stale := clientgen.Stale(f.folder, files); stale != "" {
				return fmt.Errorf("%s is not the client of the app: run \"%s %s --out=%s\"", stale, a.name, o.Command, f.folder)
			}
			return nil
		},
	}
}

// options returns the options of the client, with the command that makes it again.
func (f *clientFlags) options(command string) clientgen.Options {
	o := clientgen.Options{Command: command, Package: f.pkg, Without: strings.FieldsFunc(f.without, func(r rune) bool { return r == ',' || r == ' ' })}
	if f.without != "" {
		o.Command += " --without=" + f.without
	}
	if f.pkg != "" {
		o.Command += " --package=" + f.pkg
	} else {
		o.Package = packageName(f.folder)
	}
	return o
}

// packageName returns the name of a folder as the name of a package in Go.
func packageName(folder string) string {
	path, err := filepath.Abs(folder)
	if err != nil {
		path = folder
	}
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, filepath.Base(path)))
}
