package generate

import (
	"fmt"
	"go/build/constraint"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Name is the name of a new part, in the forms in which the files need it.
type Name struct {
	Folders []string // below the folder of the kind, such as ["admin"] for "admin/users:create"
	Wire    string   // the name that clients use, such as "users:create"
	Ident   string   // the identifier in Go, such as "UsersCreate"
	File    string   // the name of the file without its extension, such as "users_create"
}

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*([_.:-][A-Za-z0-9]+)*$`)
	folderForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// noFolders are names that Go does not take for an imported package, and packages that each new file imports.
var noFolders = []string{"testdata", "vendor", "main", "internal", "actionhero", "actionherotest", "context", "slices", "strings", "testing", "time"}

// isPredeclared reports whether a package of this name would hide what Go declares itself, such as any, from the files that
// import it.
func isPredeclared(name string) bool { return types.Universe.Lookup(name) != nil }

const maxName = 64 // the limit for the name of an action

// ParseName parses the name of a new part. The words of a name are separated by : - _ . or begin with a capital letter.
// A name with a separator, or with a small first letter, is also the name that clients use. Of UsersCreate, clients use
// usersCreate. Folders may precede the name, as in admin/users:create.
func ParseName(text string) (Name, error) {
	path := strings.Split(text, "/")
	last := path[len(path)-1]
	if !nameForm.MatchString(last) || len(last) > maxName {
		return Name{}, fmt.Errorf("the name %q is not allowed: use a letter, and then letters and digits in words that : - _ or . separate, such as users:create, up to %d in all", text, maxName)
	}
	n := Name{Folders: path[:len(path)-1], Wire: last}
	for _, folder := range n.Folders {
		if !folderForm.MatchString(folder) || token.IsKeyword(folder) || isPredeclared(folder) || slices.Contains(noFolders, folder) {
			return Name{}, fmt.Errorf("the folder %q in the name %q is not allowed: use small letters and digits that are a name for a package", folder, text)
		}
	}
	words := wordsOf(last)
	n.Ident, n.File = identOf(words), strings.ToLower(strings.Join(words, "_"))
	if !strings.ContainsAny(last, "_.:-") {
		n.Wire = strings.ToLower(words[0]) + identOf(words[1:])
		if unicode.IsLower(rune(last[0])) {
			n.Wire = last
		}
	}
	if n.Ident == "All" {
		return Name{}, fmt.Errorf("the name %q is not allowed: All is the list of all parts; use another name", text)
	}
	return n, nil
}

// wordsOf splits a name at its separators and in front of its capital letters: "userID" and "user-ID" have the words
// user and ID.
func wordsOf(name string) (words []string) {
	for _, piece := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("_.:-", r) }) {
		start := 0
		for i := 1; i < len(piece); i++ {
			upper, before := isUpper(piece[i]), isUpper(piece[i-1])
			endsRun := before && !upper && i-1 > start && unicode.IsLower(rune(piece[i])) // the S of HTTPServer
			switch {
			case upper && !before:
				words, start = append(words, piece[start:i]), i
			case endsRun:
				words, start = append(words, piece[start:i-1]), i-1
			}
		}
		words = append(words, piece[start:])
	}
	return words
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// initialisms are the words that Go writes in capital letters.
var initialisms = []string{"API", "CSS", "CSV", "DB", "HTML", "HTTP", "HTTPS", "ID", "IP", "JSON", "SQL", "TCP", "TLS", "URL", "URI", "UUID", "XML"}

// identOf returns the words as an exported identifier.
func identOf(words []string) string {
	var b strings.Builder
	for _, word := range words {
		if upper := strings.ToUpper(word); slices.Contains(initialisms, upper) {
			b.WriteString(upper)
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// fileName returns the name of the file for a part of this kind. Go treats a file name that ends with _test, or with a
// system or a processor, in a special way; the kind is added to this name.
func (n Name) fileName(kind string) string {
	words := strings.Split(n.File, "_")
	if last := words[len(words)-1]; len(words) > 1 && (last == "test" || isPlatform(last)) {
		return n.File + "_" + kind
	}
	return n.File
}

// platforms are the systems and processors that restrict a file whose name ends with one of them.
var platforms = strings.Fields(`aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos
	386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm`)

func isPlatform(word string) bool { return slices.Contains(platforms, word) }

// constrained reports whether a file is part of the program on some systems or with some tags only.
func constrained(fileName string, comments []string) bool {
	words := strings.Split(strings.TrimSuffix(fileName, ".go"), "_")
	if len(words) > 1 && isPlatform(words[len(words)-1]) {
		return true
	}
	return slices.ContainsFunc(comments, constraint.IsGoBuild)
}
