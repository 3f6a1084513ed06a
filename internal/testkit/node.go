package testkit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// NodeModules installs the npm packages that the folder files lists in package.json and package-lock.json, and returns
// the path of node_modules. A cache directory keeps them, so later tests need no registry.
func NodeModules(t testing.TB, files string) string {
	t.Helper()
	modules, err := installModules(files)
	if err != nil {
		t.Fatal(err)
	}
	return modules
}

func installModules(files string) (modules string, err error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", errors.New("the tests of npm clients need Node.js 20 or newer with npm: install both (https://nodejs.org, or the packages nodejs and npm)")
		}
	}
	lock, err := os.ReadFile(filepath.Join(files, "package-lock.json"))
	if err != nil {
		return "", err
	}
	manifest, err := os.ReadFile(filepath.Join(files, "package.json"))
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(lock)
	cache = filepath.Join(cache, "actionhero-go-tests")
	dir := filepath.Join(cache, "npm-"+hex.EncodeToString(sum[:8]))
	modules = filepath.Join(dir, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := errors.Join(os.WriteFile(filepath.Join(fresh, "package.json"), manifest, 0o644), os.WriteFile(filepath.Join(fresh, "package-lock.json"), lock, 0o644)); err != nil {
		return "", err
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = fresh
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the npm clients cannot be installed (npm ci of %s needs the npm registry once): %w\n%s", files, err, out)
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, err := os.Stat(modules); err != nil {
			return "", err
		} // another run of the tests has installed them meanwhile
	}
	return modules, nil
}
