using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;

namespace Atelier.Runs;

/// <summary>A run in the history.</summary>
public sealed record RunRecord
{
    /// <summary>The <see cref="CurrentStatus"/> of a run whose folder does not exist any more.</summary>
    public const string Gone = "gone";

    /// <summary>A short id, which commands accept.</summary>
    public required string Id { get; init; }

    /// <summary>The full path of the run's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The family of the model.</summary>
    public required string Family { get; init; }

    /// <summary>The name of the recipe.</summary>
    public required string Recipe { get; init; }

    /// <summary>When the run was started or last resumed.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When the run ended; null if it has not.</summary>
    public DateTimeOffset? Finished { get; init; }

    /// <summary>The status: "running", "finished", "interrupted" or "failed".</summary>
    public required string Status { get; init; }

    /// <summary>
    /// The status as the run's folder shows it: "gone" if there is no folder, and "interrupted" for a run that died
    /// while it was running, which could not update its status, but whose folder is no longer locked.
    /// </summary>
    public string CurrentStatus => !Directory.Exists(Folder) ? Gone
        : Status == "running" && !Run.IsHeld(Folder) ? "interrupted"
        : Status;

    /// <summary>The number of completed steps.</summary>
    public long Steps { get; init; }

    /// <summary>The training time in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>The final metrics by name.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    /// <summary>
    /// Returns the run as JSON, as the tool and the server write it, without its folder. Metrics may be infinite.
    /// </summary>
    /// <param name="status">The status if it is known; null takes <see cref="CurrentStatus"/>.</param>
    public JsonObject ToJson(string? status = null) => new()
    {
        ["id"] = Id,
        ["family"] = Family,
        ["recipe"] = Recipe,
        ["status"] = status ?? CurrentStatus,
        ["started"] = Started,
        ["finished"] = Finished,
        ["steps"] = Steps,
        ["seconds"] = Seconds,
        ["metrics"] = new JsonObject(Metrics.Select(m => KeyValuePair.Create<string, JsonNode?>(m.Key, m.Value))),
    };
}

/// <summary>
/// The list of all runs of a user, in a SQLite database. It may be deleted, because the data are in the folders of the
/// runs.
/// </summary>
/// <param name="path">The path of the database, which is created if it is missing.</param>
public sealed class RunHistory(string path)
{
    private const string Columns = "id, folder, family, recipe, started, finished, status, steps, seconds, metrics";

    /// <summary>Returns all runs, latest first.</summary>
    /// <exception cref="AtelierException">The database is damaged or busy.</exception>
    public IReadOnlyList<RunRecord> List() => Use(connection =>
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT {Columns} FROM runs ORDER BY started DESC, rowid DESC";
        using SqliteDataReader reader = command.ExecuteReader();
        var runs = new List<RunRecord>();
        while (reader.Read())
            runs.Add(Read(reader));
        return runs;
    });

    /// <summary>Returns the run with the given id or folder; null if there is none.</summary>
    /// <exception cref="AtelierException">The database is damaged or busy.</exception>
    public RunRecord? Find(string idOrFolder)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(idOrFolder));
        return List().FirstOrDefault(r => r.Id == idOrFolder || r.Folder == full);
    }

    /// <summary>Adds or updates a run. A folder has only one run.</summary>
    /// <exception cref="AtelierException">The database is damaged or busy.</exception>
    public void Save(RunRecord run) => Use(connection =>
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"""
            DELETE FROM runs WHERE id = $id OR folder = $folder;
            INSERT INTO runs ({Columns})
            VALUES ($id, $folder, $family, $recipe, $started, $finished, $status, $steps, $seconds, $metrics);
            """;
        (string Name, object? Value)[] values =
        [
            ("$id", run.Id), ("$folder", run.Folder), ("$family", run.Family), ("$recipe", run.Recipe),
            ("$started", Text(run.Started)), ("$finished", run.Finished is { } finished ? Text(finished) : null),
            ("$status", run.Status), ("$steps", run.Steps), ("$seconds", run.Seconds),
            ("$metrics", JsonSerializer.Serialize(run.Metrics)),
        ];
        foreach ((string name, object? value) in values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        using SqliteTransaction transaction = connection.BeginTransaction();
        command.Transaction = transaction;
        command.ExecuteNonQuery();
        transaction.Commit();
        return true;
    });

    /// <summary>Removes a run from the history; its folder is not deleted.</summary>
    /// <exception cref="AtelierException">The database is damaged or busy.</exception>
    public void Delete(string id) => Use(connection =>
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "DELETE FROM runs WHERE id = $id";
        command.Parameters.AddWithValue("$id", id);
        return command.ExecuteNonQuery();
    });

    private T Use<T>(Func<SqliteConnection, T> use)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var settings = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 5 };
            using var connection = new SqliteConnection(settings.ToString());
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = """
                CREATE TABLE IF NOT EXISTS runs (
                    id TEXT PRIMARY KEY, folder TEXT NOT NULL UNIQUE, family TEXT NOT NULL, recipe TEXT NOT NULL,
                    started TEXT NOT NULL, finished TEXT, status TEXT NOT NULL,
                    steps INTEGER NOT NULL, seconds REAL NOT NULL, metrics TEXT NOT NULL)
                """;
            command.ExecuteNonQuery();
            return use(connection);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 5 or 6) // SQLITE_BUSY, SQLITE_LOCKED
        {
            throw new AtelierException("the history of runs is in use by another program", path,
                "try again in a moment", e);
        }
        catch (Exception e) when (e is SqliteException or JsonException or FormatException
            or InvalidCastException or IOException
            or UnauthorizedAccessException)
        {
            throw new AtelierException(
                $"the history of runs cannot be opened: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}", path,
                "move the file away to start a new one (the folders of the runs are not touched), or set "
                    + "ATELIER_HOME", e);
        }
    }

    private static RunRecord Read(SqliteDataReader reader) => new()
    {
        Id = reader.GetString(0),
        Folder = reader.GetString(1),
        Family = reader.GetString(2),
        Recipe = reader.GetString(3),
        Started = Time(reader.GetString(4)),
        Finished = reader.IsDBNull(5) ? null : Time(reader.GetString(5)),
        Status = reader.GetString(6),
        Steps = reader.GetInt64(7),
        Seconds = reader.GetDouble(8),
        Metrics = JsonSerializer.Deserialize<Dictionary<string, double>>(reader.GetString(9)) ?? [],
    };

    private static string Text(DateTimeOffset time) =>
        time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.ParseExact(text, "O", CultureInfo.InvariantCulture);
}
