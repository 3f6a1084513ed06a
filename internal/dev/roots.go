package dev

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sourceRoots returns the folders of the other modules that the app in dir is built from, as their source on this machine:
// those that go.mod replaces by a folder, and those of go.work.
func sourceRoots(ctx context.Context, dir string, env []string) (roots []string) {
	var mod struct {
		Replace []struct {
			New struct{ Path, Version string }
		}
	}
	module := goOutput(ctx, dir, env, "env", "GOMOD")
	if json.Unmarshal([]byte(goOutput(ctx, dir, env, "mod", "edit", "-json")), &mod) == nil {
		for _, r := range mod.Replace {
			if r.New.Version == "" {
				roots = addRoot(roots, dir, filepath.Dir(module), r.New.Path)
			}
		}
	}
	var work struct{ Use []struct{ DiskPath string } }
	if file := goOutput(ctx, dir, env, "env", "GOWORK"); file != "" && file != "off" &&
		json.Unmarshal([]byte(goOutput(ctx, dir, env, "work", "edit", "-json")), &work) == nil {
		for _, u := range work.Use {
			roots = addRoot(roots, dir, filepath.Dir(file), u.DiskPath)
		}
	}
	return roots
}

// addRoot adds a folder that is not below the app.
func addRoot(roots []string, dir, base, path string) []string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(base, path)
	}
	path = resolved(path)
	if info, err := os.Stat(path); err != nil || !info.IsDir() || path == dir {
		return roots
	}
	return append(roots, path)
}

func goOutput(ctx context.Context, dir string, env []string, args ...string) string {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
