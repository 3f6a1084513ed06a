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

// clientIn returns the command that writes the client in a language.
func (a *app) clientIn(name, language, folder string, write func(actionhero.Description, clientgen.Options) ([]clientgen.File, error)) Command {
	check, without, pkg := false, "", ""
	return Command{
		Name: name, Short: "Write a client in " + language,
		Flags: func(flags *flag.FlagSet) {
			flags.StringVar(&folder, "out", folder, "write the files into this `folder`, which is made if it is missing")
			flags.StringVar(&without, "without", "", "leave out the actions with these `names`, separated by commas; * stands for any characters")
			if name == "go" {
				flags.StringVar(&pkg, "package", "", "`name` of the package; default: the name of the folder")
			}
			flags.BoolVar(&check, "check", false, "write nothing, and fail if the files in the folder are not those of the app")
		},
		Run: func(_ context.Context, env *Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			command := "client " + name
			if without != "" {
				command += " --without=" + without
			}
			if pkg == "" {
				pkg = packageName(folder)
			}
			files, err := write(s.Describe(), clientgen.Options{
				Path: "/" + env.Config.CommonWeb.URLPathForActions, Command: command, Package: pkg,
				Without: strings.FieldsFunc(without, func(r rune) bool { return r == ',' || r == ' ' }),
			})
			if err != nil {
				return err
			}
			if check {
				if stale := clientgen.Stale(folder, files); stale != "" {
					return fmt.Errorf("%s is not the client of the app: run \"%s %s --out=%s\"", stale, a.name, command, folder)
				}
				return nil
			}
			return clientgen.Write(folder, files)
		},
	}
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
