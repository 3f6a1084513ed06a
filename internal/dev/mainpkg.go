package dev

import (
	"errors"
	"fmt"
	gobuild "go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// mainPackage returns the main package of the app in dir: the folder itself, or the only one in cmd/. It returns an error
// if there is none, or no module.
func mainPackage(dir string) (string, error) {
	if !hasModule(dir) {
		return "", fmt.Errorf("no go.mod is in %s or above: run this in the folder of an app, or make one with \"actionhero generate DIR\"", dir)
	}
	if isMain(dir) {
		return ".", nil
	}
	var found []string
	commands, _ := filepath.Glob(filepath.Join(strings.NewReplacer("[", "\\[", "*", "\\*", "?", "\\?").Replace(dir), "cmd", "*")) // the pattern is correct
	for _, folder := range commands {
		if isMain(folder) {
			found = append(found, "./cmd/"+filepath.Base(folder))
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", errors.New("the current folder has no main package: run this in the folder of an app, or name the package with --package ./PATH")
	}
	return "", fmt.Errorf("cmd/ has several main packages: name one with --package, such as --package %s", found[0])
}

func hasModule(dir string) bool {
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
		dir = filepath.Dir(dir)
	}
}

// isMain reports whether a Go file in the folder belongs to a package main.
func isMain(dir string) bool {
	entries, _ := os.ReadDir(dir) // no folder has no package
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		if built, err := gobuild.Default.MatchFile(dir, entry.Name()); err == nil && !built {
			continue // another system, the tag ignore, or a file of an editor
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, entry.Name()), nil, parser.PackageClauseOnly)
		if err == nil && file.Name.Name == "main" {
			return true
		}
	}
	return false
}
