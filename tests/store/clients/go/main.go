// The statements by clickhouse-go over HTTP, as Grafana's plugin uses it; see ../plain.py for the form of what comes back.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

type statement struct {
	SQL        string         `json:"sql"`
	Do         string         `json:"do"`
	As         string         `json:"as"`
	Table      string         `json:"table"`
	Rows       [][]any        `json:"rows"`
	Parameters map[string]any `json:"parameters"`
	Settings   map[string]any `json:"settings"`
}

type task struct {
	Name       string      `json:"name"`
	Host       string      `json:"host"`
	Port       int         `json:"port"`
	Password   string      `json:"password"`
	Compress   string      `json:"compress"`
	Statements []statement `json:"statements"`
}

var methods = map[string]clickhouse.CompressionMethod{
	"": clickhouse.CompressionNone, "gzip": clickhouse.CompressionGZIP, "lz4": clickhouse.CompressionLZ4,
	"zstd": clickhouse.CompressionZSTD, "br": clickhouse.CompressionBrotli, "deflate": clickhouse.CompressionDeflate,
}

func main() {
	var asked task
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber()
	check(decoder.Decode(&asked))
	clients := map[string]driver.Conn{
		"":        connect(asked, "default", "", nil),
		"writer":  connect(asked, "tracer", asked.Password, nil),
		"session": connect(asked, "tracer", asked.Password, clickhouse.Settings{"session_id": asked.Name}),
	}
	check(clients[""].Ping(context.Background()))
	answers := []any{}
	for _, s := range asked.Statements {
		answer, err := one(clients[s.As], s, asked.Name)
		var told *clickhouse.Exception
		if errors.As(err, &told) {
			answer = map[string]any{"error": told.Code}
		} else if err != nil {
			answer = map[string]any{"error": err.Error()}
		}
		answers = append(answers, answer)
	}
	check(json.NewEncoder(os.Stdout).Encode(answers))
}

func connect(asked task, user, password string, settings clickhouse.Settings) driver.Conn {
	all := clickhouse.Settings{"enable_http_compression": 1}
	for name, value := range settings {
		all[name] = value
	}
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr:        []string{fmt.Sprintf("%s:%d", asked.Host, asked.Port)},
		Protocol:    clickhouse.HTTP,
		Auth:        clickhouse.Auth{Database: "llm", Username: user, Password: password},
		Compression: &clickhouse.Compression{Method: methods[asked.Compress], Level: 3},
		Settings:    all,
	})
	check(err)
	return conn
}

func one(conn driver.Conn, s statement, name string) (any, error) {
	sql := strings.ReplaceAll(s.SQL, "{client}", name)
	parameters, settings := clickhouse.Parameters{}, clickhouse.Settings{}
	for name, value := range s.Parameters {
		parameters[name] = fmt.Sprint(value)
	}
	for name, value := range s.Settings {
		settings[name] = value
	}
	ctx := clickhouse.Context(context.Background(), clickhouse.WithSettings(settings))
	if len(parameters) > 0 {
		ctx = clickhouse.Context(ctx, clickhouse.WithParameters(parameters))
	}
	switch s.Do {
	case "command":
		return "done", conn.Exec(ctx, sql)
	case "insert":
		return "done", insert(ctx, conn, s, name)
	}
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if s.Do == "count" {
		count := 0
		for rows.Next() {
			count++
		}
		return map[string]any{"count": count}, rows.Err()
	}
	found := [][]any{}
	for rows.Next() {
		row, err := read(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return map[string]any{"columns": rows.Columns(), "rows": found}, rows.Err()
}

func insert(ctx context.Context, conn driver.Conn, s statement, name string) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+strings.ReplaceAll(s.Table, "{client}", name))
	if err != nil {
		return err
	}
	for _, row := range s.Rows {
		number, err := strconv.ParseUint(fmt.Sprint(row[0]), 10, 64)
		check(err)
		var text *string
		if given, ok := row[1].(string); ok {
			text = &given
		}
		if err := batch.Append(number, text, time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)); err != nil {
			return err
		}
	}
	return batch.Send()
}

func read(rows driver.Rows) ([]any, error) {
	types := rows.ColumnTypes()
	targets := make([]any, len(types))
	for i, column := range types {
		targets[i] = reflect.New(column.ScanType()).Interface()
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	row := make([]any, len(types))
	for i, column := range types {
		row[i] = plain(reflect.ValueOf(targets[i]).Elem(), column.DatabaseTypeName())
	}
	return row, nil
}

var precision = regexp.MustCompile(`DateTime64\((\d)`)

func plain(value reflect.Value, kind string) any {
	for value.Kind() == reflect.Pointer || value.Kind() == reflect.Interface {
		if value.IsNil() {
			return nil
		}
		if _, ok := value.Interface().(fmt.Stringer); ok {
			break
		}
		value = value.Elem()
	}
	if at, ok := value.Interface().(time.Time); ok {
		return written(at.UTC(), kind)
	}
	if told, ok := value.Interface().(fmt.Stringer); ok {
		return told.String()
	}
	switch value.Kind() {
	case reflect.Slice, reflect.Array:
		items := make([]any, value.Len())
		for i := range items {
			items[i] = plain(value.Index(i), "")
		}
		return items
	case reflect.Map:
		items := map[string]any{}
		for _, key := range value.MapKeys() {
			items[fmt.Sprint(plain(key, ""))] = plain(value.MapIndex(key), "")
		}
		return items
	case reflect.Float64:
		return strconv.FormatFloat(value.Float(), 'f', -1, 64)
	case reflect.Float32:
		return strconv.FormatFloat(value.Float(), 'f', -1, 32)
	}
	return fmt.Sprint(value.Interface())
}

func written(at time.Time, kind string) string {
	if digits := precision.FindStringSubmatch(kind); digits != nil {
		count, _ := strconv.Atoi(digits[1])
		return at.Format("2006-01-02 15:04:05." + strings.Repeat("0", count))
	}
	if strings.HasPrefix(strings.TrimPrefix(kind, "Nullable("), "DateTime") {
		return at.Format("2006-01-02 15:04:05")
	}
	return at.Format("2006-01-02")
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
