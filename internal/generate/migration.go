package generate

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// migrationsFolder is where the extra sqlite has the migrations of an app.
const migrationsFolder = "initializers/migrations"

var migrationFile = regexp.MustCompile(`^([0-9]+)_.*\.sql$`)

// Migration writes a migration of the database into the app that the folder dir belongs to: a draft, which is not applied
// until its first line is deleted. name becomes part of the name of the file, after the next number. A dry run writes nothing.
func Migration(dir, name string, dry bool) ([]File, error) {
	app, err := findApp(dir)
	if err != nil {
		return nil, err
	}
	parsed, err := ParseName(name)
	if err == nil && len(parsed.Folders) > 0 {
		err = fmt.Errorf("the name %q has a folder: leave it out, because all migrations are in %s", name, migrationsFolder)
	}
	if err != nil {
		return nil, err
	}
	w, err := openWriter(app.dir, dry)
	if err != nil {
		return nil, err
	}
	defer w.close()
	number, err := nextMigration(w)
	if err != nil {
		return nil, err
	}
	file := path.Join(migrationsFolder, number+"_"+parsed.File+".sql")
	err = w.create(file, []byte("-- draft: delete this line when the file is complete. Then it is applied once, and must not change any more.\n\n"))
	return w.files, err
}

// nextMigration returns the number that follows the ones of the files, with as many digits.
func nextMigration(w *writer) (string, error) {
	entries, err := fs.ReadDir(w.root.FS(), migrationsFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the app has no folder %s: \"actionhero generate --with sqlite\" makes an app that has a database", migrationsFolder)
	}
	if err != nil {
		return "", err
	}
	most, digits := 0, 4
	for _, entry := range entries {
		m := migrationFile.FindStringSubmatch(entry.Name())
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return "", fmt.Errorf("the number of %s is too large", entry.Name())
		}
		if most = max(most, n); n == most {
			digits = len(m[1])
		}
	}
	number := strconv.Itoa(most + 1)
	if len(number) > digits && len(entries) > 0 {
		return "", fmt.Errorf("all numbers with %d digits are taken in %s: begin the next name with a longer one that sorts last", digits, migrationsFolder)
	}
	return strings.Repeat("0", digits-len(number)) + number, nil
}
