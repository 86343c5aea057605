using System.Globalization;
using System.Text.Json;
using Atelier.Formats;
using Microsoft.Data.Sqlite;

namespace Atelier.Evaluation.Ratings;

/// <summary>
/// The SQLite file of a store of ratings. Each write is on the disk when the call returns (write-ahead log,
/// synchronous=FULL). One connection serves all threads in turn; SQLite's locks keep processes apart.
/// </summary>
internal sealed class RatingDatabase : IDisposable
{
    private const int ApplicationId = 0x4174_5261; // "AtRa": tells a store from other SQLite files
    private const int Version = 1;
    private const string Damaged = "restore the file from a copy";

    private const string Schema = """
        CREATE TABLE study (id INTEGER PRIMARY KEY CHECK (id = 1), content TEXT NOT NULL);
        CREATE TABLE raters (
            id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, token BLOB NOT NULL UNIQUE, joined TEXT NOT NULL);
        CREATE TABLE pair_answers (
            id INTEGER PRIMARY KEY AUTOINCREMENT, rater INTEGER NOT NULL REFERENCES raters (id),
            left_item TEXT NOT NULL, right_item TEXT NOT NULL, choice TEXT NOT NULL, kind TEXT NOT NULL,
            reason TEXT, seconds REAL NOT NULL, time TEXT NOT NULL,
            UNIQUE (rater, left_item, right_item));
        CREATE TABLE scale_answers (
            id INTEGER PRIMARY KEY AUTOINCREMENT, rater INTEGER NOT NULL REFERENCES raters (id),
            item TEXT NOT NULL, rubric TEXT NOT NULL, value INTEGER NOT NULL,
            reason TEXT, seconds REAL NOT NULL, time TEXT NOT NULL,
            UNIQUE (rater, item, rubric));
        """;

    private readonly Lock _gate = new();
    private readonly SqliteConnection _connection;
    private readonly string _path;

    private RatingDatabase(SqliteConnection connection, string path) => (_connection, _path) = (connection, path);

    /// <summary>Creates a file, whole or not at all.</summary>
    /// <param name="path">The full path of the file.</param>
    /// <param name="study">The content of the study.</param>
    public static void Create(string path, string study)
    {
        // SQLite would replay the log of an older file of this name into the new one
        if (Path.Exists(path) || File.Exists(path + "-wal"))
            throw new AtelierException("the file exists already", path, "open it, or choose another file");
        string temporary = $"{path}.{Guid.NewGuid():N}.partial";
        try
        {
            Guard(path, () =>
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                using (SqliteConnection connection = Connect(temporary, SqliteOpenMode.ReadWriteCreate))
                {
                    Execute(connection, string.Create(CultureInfo.InvariantCulture, $"""
                        PRAGMA journal_mode = WAL;
                        PRAGMA application_id = {ApplicationId};
                        PRAGMA user_version = {Version};
                        {Schema}
                        INSERT INTO study VALUES (1, $study);
                        """), ("$study", study));
                }
                File.Move(temporary, path, overwrite: false);
                return true;
            });
        }
        finally
        {
            if (File.Exists(temporary))
                File.Delete(temporary);
        }
    }

    /// <summary>Opens a file and checks that it is an undamaged store.</summary>
    /// <param name="path">The full path of the file.</param>
    public static RatingDatabase Open(string path)
    {
        if (!File.Exists(path))
            throw new AtelierException("there is no such file", path, "check the path, or create a store of ratings");
        return Guard(path, () =>
        {
            SqliteConnection connection = Connect(path, SqliteOpenMode.ReadWrite);
            try
            {
                long Number(string pragma) =>
                    Convert.ToInt64(Scalar(connection, "PRAGMA " + pragma), CultureInfo.InvariantCulture);
                if (Number("application_id") != ApplicationId)
                    throw new AtelierException("the file is not a store of ratings", path, "choose another file");
                if (Number("user_version") != Version)
                    throw new AtelierException("the store is of another version of Atelier", path,
                        "use the version that created it");
                if (Scalar(connection, "PRAGMA quick_check(1)") is not "ok")
                    throw new AtelierException("the store of ratings is damaged", path, Damaged);
                return new RatingDatabase(connection, path);
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        });
    }

    /// <summary>Runs a write transaction, which is on the disk when the call returns.</summary>
    public T Write<T>(Func<T> write) => Locked(() =>
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        T result = write();
        transaction.Commit();
        return result;
    });

    /// <summary>Runs a statement inside <see cref="Write"/> and returns the number of changed rows.</summary>
    public int Execute(string sql, params (string Name, object? Value)[] values) => Execute(_connection, sql, values);

    /// <summary>Inserts a row inside <see cref="Write"/> and returns its id.</summary>
    public long Insert(string sql, params (string Name, object? Value)[] values)
    {
        Execute(_connection, sql, values);
        return (long)Scalar(_connection, "SELECT last_insert_rowid()")!;
    }

    /// <summary>Returns the rows of a query.</summary>
    public IReadOnlyList<T> Select<T>(string sql, Func<SqliteDataReader, T> read,
        params (string Name, object? Value)[] values) => Locked(() =>
    {
        using SqliteCommand command = Command(_connection, sql, values);
        using SqliteDataReader reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
            _connection.Dispose();
    }

    private T Locked<T>(Func<T> use)
    {
        lock (_gate)
            return Guard(_path, use);
    }

    private static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        var settings = new SqliteConnectionStringBuilder
        {
            DataSource = path, Mode = mode, Pooling = false, ForeignKeys = true, DefaultTimeout = 30,
        };
        var connection = new SqliteConnection(settings.ToString());
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static SqliteCommand Command(SqliteConnection connection, string sql,
        params (string Name, object? Value)[] values)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object? value) in values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    private static int Execute(SqliteConnection connection, string sql,
        params (string Name, object? Value)[] values)
    {
        using SqliteCommand command = Command(connection, sql, values);
        return command.ExecuteNonQuery();
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = Command(connection, sql);
        return command.ExecuteScalar();
    }

    private static T Guard<T>(string path, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (SqliteException e)
        {
            throw e.SqliteErrorCode switch // https://sqlite.org/rescode.html
            {
                5 or 6 => new AtelierException("the ratings are in use by another program", path,
                    "try again in a moment", e),
                8 => new AtelierException("the ratings cannot be written: the place is read-only", path,
                    "check the permissions", e),
                13 => new AtelierException("the disk is full", path, "free some space, then answer again", e),
                11 or 26 => new AtelierException("the file is not a store of ratings, or it is damaged", path,
                    Damaged, e),
                _ => new AtelierException($"the ratings cannot be used: {e.Message.TrimEnd('.')}", path, Damaged, e),
            };
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidCastException)
        {
            throw new AtelierException($"the store of ratings is damaged: {e.Message.TrimEnd('.')}", path, Damaged, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileFault.At(e, path);
        }
    }
}
