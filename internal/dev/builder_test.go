package dev

import (
	"context"
	"debug/elf"
	"path/filepath"
	"runtime"
	"testing"
)

// A build leaves out the information for debuggers, unless the user has flags for the linker.
func TestAProgramHasNoInformationForDebuggers(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the test reads ELF")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.com/small\n\ngo 1.26.0\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() {}\n")
	if flags := linkFlags("-race"); len(flags) != 1 {
		t.Errorf("with other flags, those of the linker are %q", flags)
	}
	for goflags, want := range map[string]bool{"": false, "-trimpath -ldflags=": true} {
		b := &builder{dir: dir, pkg: ".", folder: t.TempDir(), flags: linkFlags(goflags), env: nil, tree: newTree(dir, "", nil)}
		out := b.build(context.Background())
		if out.program == "" {
			t.Fatal(out.failure)
		}
		f, err := elf.Open(out.program)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.DWARF(); (err == nil) != want {
			t.Errorf("with GOFLAGS=%q, the program has information for debuggers: %v", goflags, err == nil)
		}
		_ = f.Close()
	}
}
