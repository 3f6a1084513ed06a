//go:build !unix

package dev

import (
	"context"
	"errors"
	"os/exec"
)

// Supported reports whether [Run] works on this system.
const Supported = false

// Run returns an error.
func Run(context.Context, Config) error {
	return errors.New("actionhero dev needs a system on which processes pass sockets to each other, such as Linux or macOS: use \"go run . start\" here, or WSL")
}

func killGroup(*exec.Cmd) {}
