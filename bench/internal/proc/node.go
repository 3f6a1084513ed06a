package proc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// NodeScript returns the absolute path of a script for Node.js in folder. If the packages of the folder are missing, it
// installs them with npm.
func NodeScript(ctx context.Context, folder, script string) (string, error) {
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); errors.Is(err, fs.ErrNotExist) {
		npm := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
		npm.Dir = folder
		if out, err := npm.CombinedOutput(); err != nil {
			return "", fmt.Errorf("the packages of %s cannot be installed, which needs Node.js 20 with npm: %w\n%s", folder, err, out)
		}
	}
	return filepath.Abs(filepath.Join(folder, script))
}
