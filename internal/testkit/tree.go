package testkit

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The contents and the size of the files in a [Tree]. No answer of a server may ever contain Secret.
const (
	Secret   = "a secret text"
	Plain    = "a public text"
	BigBytes = 8 << 20
)

// Tree is a folder of static files next to a folder and a file with a secret:
//
//	secret.txt               Secret
//	public/index.html        Plain
//	public/plain.txt         Plain
//	public/big.bin           BigBytes of zeros
//	public/inside            a link to plain.txt
//	public/outside           a link to ../secret.txt
//	public/absolute          a link to the absolute path of secret.txt
//	public/up                a link to the folder above
//	public/sub/index.html    a link to ../../secret.txt
//	public-secret/plain.txt  Secret
type Tree struct {
	Dir    string // the folder that contains the public folder
	Public string
}

// NewTree creates the files of a Tree in a temporary folder. The folder is removed at the end of the test.
func NewTree(t testing.TB) Tree {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tree := Tree{dir, filepath.Join(dir, "public")}
	for name, text := range map[string]string{
		"secret.txt": Secret, "public/index.html": Plain, "public/plain.txt": Plain, "public/sub/.keep": "",
		"public/big.bin": "", "public-secret/plain.txt": Secret,
	} {
		WriteFile(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
	if err := os.Truncate(filepath.Join(tree.Public, "big.bin"), BigBytes); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		"inside": "plain.txt", "outside": "../secret.txt", "absolute": filepath.Join(dir, "secret.txt"),
		"up": "..", "sub/index.html": "../../secret.txt",
	} {
		if err := os.Symlink(target, filepath.Join(tree.Public, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

// Names returns file names with which clients have tried to read secret.txt. Each name is in the form that a server has
// after it has decoded the request once.
func (tr Tree) Names() []string {
	names := []string{
		"../secret.txt", "/../secret.txt", "../../../../../../../../etc/passwd", "sub/../../secret.txt", "./../secret.txt", "..",
		"../", "../public-secret/plain.txt", "../public/../secret.txt", "....//secret.txt", "..././secret.txt", ".../secret.txt",
		`..\secret.txt`, `\..\secret.txt`, `sub\..\..\secret.txt`, `..\/secret.txt`, `..;/secret.txt`, `C:\secret.txt`,
		"%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "..%2fsecret.txt", "..%5csecret.txt", "%252e%252e%252fsecret.txt", "..%c0%afsecret.txt",
		"\x00../secret.txt", "plain.txt\x00/../../secret.txt", "../secret.txt\x00.html", "..%00/secret.txt", "plain.txt/../../secret.txt",
		"/etc/passwd", "//etc/passwd", "/proc/self/environ", "/proc/self/root/etc/passwd", "file:///etc/passwd",
		"outside", "absolute", "up/secret.txt", "up/public-secret/plain.txt", "up/public/../secret.txt", "sub", "sub/", "sub/index.html", "outside/", "up", "up/",
		"．．/secret.txt", "..\uff0fsecret.txt", "..\xff/secret.txt", "~/secret.txt", strings.Repeat("../", 5000) + "etc/passwd", strings.Repeat("a/", 5000) + strings.Repeat("../", 5001) + "secret.txt",
	}
	for _, way := range []string{"/../secret.txt", "/sub/../../secret.txt", "-secret/plain.txt", "/outside", "/..", "/up/secret.txt"} {
		names = append(names, tr.Public+way, strings.TrimPrefix(tr.Public+way, "/"), "/"+tr.Public+way)
	}
	return append(names, filepath.Join(tr.Dir, "secret.txt"))
}

// Encodings returns the forms that a file name can have in a URL: the necessary bytes escaped, in two ways; every byte
// escaped; every byte escaped twice; and, if name can be sent as it is, name without escapes.
func Encodings(name string) []string {
	var each strings.Builder
	const hex = "0123456789abcdef"
	for _, b := range []byte(name) {
		each.Write([]byte{'%', hex[b>>4], hex[b&15]})
	}
	forms := []string{(&url.URL{Path: name}).EscapedPath(), url.QueryEscape(name), each.String(), strings.ReplaceAll(each.String(), "%", "%25")}
	if !strings.ContainsAny(name, " \r\n\x00") {
		forms = append(forms, name)
	}
	return forms
}

// Leaks reports whether answer contains a text that no client may read.
func Leaks(answer string) bool {
	return strings.Contains(answer, Secret) || strings.Contains(answer, "root:x:0:0") || strings.Contains(answer, "PATH=")
}
