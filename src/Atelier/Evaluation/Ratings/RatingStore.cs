using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace Atelier.Evaluation.Ratings;

/// <summary>
/// A study with its raters and their answers, in one SQLite file. An answer is on the disk when the call that adds it
/// returns, so that a killed process loses nothing. This class is thread-safe, and several processes may use the same
/// file.
/// </summary>
public sealed class RatingStore : IDisposable
{
    private const int TokenBytes = 32;
    private const int LongestName = 200, LongestReason = 4000;
    private const string PairColumns = "id, rater, left_item, right_item, choice, kind, reason, seconds, time";
    private const string ScaleColumns = "id, rater, item, rubric, value, reason, seconds, time";

    private readonly RatingDatabase _database;
    private readonly StudyIndex _index;
    private readonly TimeProvider _clock;

    private RatingStore(RatingDatabase database, StudyIndex index, TimeProvider? clock) =>
        (_database, _index, _clock) = (database, index, clock ?? TimeProvider.System);

    /// <summary>The study.</summary>
    public Study Study => _index.Study;

    /// <summary>The study by ids.</summary>
    internal StudyIndex Index => _index;

    /// <summary>Creates a store for a study.</summary>
    /// <param name="path">The path of the file, which must not exist. Its folder is created if it is missing.</param>
    /// <param name="study">The study, which cannot be changed later.</param>
    /// <param name="clock">The clock for the times of answers; null for the system's clock.</param>
    /// <exception cref="AtelierException">
    /// The study is not valid, the file exists, or it cannot be written.
    /// </exception>
    public static RatingStore Create(string path, Study study, TimeProvider? clock = null)
    {
        study.Check();
        RatingDatabase.Create(Path.GetFullPath(path), study.ToJson());
        return Open(path, clock);
    }

    /// <summary>Opens a store.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="clock">The clock for the times of answers; null for the system's clock.</param>
    /// <exception cref="AtelierException">
    /// There is no such file, or it is damaged or not a store of ratings.
    /// </exception>
    public static RatingStore Open(string path, TimeProvider? clock = null)
    {
        string full = Path.GetFullPath(path);
        RatingDatabase database = RatingDatabase.Open(full);
        try
        {
            string content = database.Select("SELECT content FROM study", reader => reader.GetString(0))
                is [string only] ? only : throw new AtelierException("the store of ratings has no study", full);
            return new(database, new StudyIndex(Study.FromJson(content)), clock);
        }
        catch (AtelierException e)
        {
            database.Dispose();
            throw e.At(full);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Adds a rater.</summary>
    /// <param name="name">The name, at most 200 characters. Several raters may have the same name.</param>
    /// <returns>The rater and their token, which is drawn from a cryptographic random generator.</returns>
    /// <exception cref="AtelierException">The name is empty or too long, or the store cannot be written.</exception>
    public NewRater AddRater(string name)
    {
        name = name.Trim();
        if (name.Length is 0 or > LongestName || name.Any(char.IsControl))
            throw new AtelierException($"the name of a rater has 1 to {LongestName} characters on one line",
                Mention.Field("name"), "choose another name");
        string token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        DateTimeOffset now = _clock.GetUtcNow();
        long id = _database.Write(() => _database.Insert(
            "INSERT INTO raters (name, token, joined) VALUES ($name, $token, $joined)",
            ("$name", name), ("$token", Hash(token)), ("$joined", Text(now))));
        return new(new(id, name, now), token);
    }

    /// <summary>Returns the rater with a token; null if there is none.</summary>
    /// <exception cref="AtelierException">The store is damaged or busy.</exception>
    public Rater? FindRater(string token) => _database.Select(
        "SELECT id, name, joined FROM raters WHERE token = $token", ReadRater, ("$token", Hash(token)))
        .SingleOrDefault();

    /// <summary>Returns all raters in the order in which they joined.</summary>
    /// <exception cref="AtelierException">The store is damaged or busy.</exception>
    public IReadOnlyList<Rater> Raters() =>
        _database.Select("SELECT id, name, joined FROM raters ORDER BY id", ReadRater);

    /// <summary>
    /// Adds an answer to a pair of outputs. The store recognises attention checks by the items: a pair of
    /// <see cref="Study.Checks"/>, or a pair that the rater has answered before with the sides exchanged.
    /// </summary>
    /// <param name="rater">The id of the rater.</param>
    /// <param name="left">The id of the item on the left.</param>
    /// <param name="right">The id of the item on the right.</param>
    /// <param name="choice">The answer.</param>
    /// <param name="seconds">The time that the rater took, in seconds; 0 or more.</param>
    /// <param name="reason">The reason in the rater's words, at most 4,000 characters; null if none was given.</param>
    /// <exception cref="AtelierException">
    /// The rater is unknown, the items are not a pair of the study, the rater has answered the pair before, a value is
    /// out of range, or the store cannot be written.
    /// </exception>
    public PairAnswer AddPairAnswer(long rater, string left, string right, PairChoice choice, double seconds,
        string? reason = null)
    {
        if (!Enum.IsDefined(choice))
            throw new AtelierException("the answer is not one of left, right, tie and bothBad",
                Mention.Field("choice"), "choose one of them");
        reason = CheckDetails(seconds, reason);
        return _database.Write(() =>
        {
            CheckRater(rater);
            CheckKind check = Recognise(rater, left, right);
            DateTimeOffset now = _clock.GetUtcNow();
            long id = _database.Insert("""
                INSERT INTO pair_answers (rater, left_item, right_item, choice, kind, reason, seconds, time)
                VALUES ($rater, $left, $right, $choice, $kind, $reason, $seconds, $time)
                """, ("$rater", rater), ("$left", left), ("$right", right), ("$choice", choice.ToString()),
                ("$kind", check.ToString()), ("$reason", reason), ("$seconds", seconds), ("$time", Text(now)));
            return new PairAnswer(id, rater, left, right, choice, check, reason, seconds, now);
        });
    }

    /// <summary>Adds a value of an output on a scale.</summary>
    /// <param name="rater">The id of the rater.</param>
    /// <param name="item">The id of the item.</param>
    /// <param name="rubric">The name of the scale.</param>
    /// <param name="value">The value, from the lowest to the highest of the scale.</param>
    /// <param name="seconds">The time that the rater took, in seconds; 0 or more.</param>
    /// <param name="reason">The reason in the rater's words, at most 4,000 characters; null if none was given.</param>
    /// <exception cref="AtelierException">
    /// The rater, the item or the scale is unknown, the rater has valued the item on this scale before, a value is out
    /// of range, or the store cannot be written.
    /// </exception>
    public ScaleAnswer AddScaleAnswer(long rater, string item, string rubric, int value, double seconds,
        string? reason = null)
    {
        Rubric scale = Study.Rubrics.FirstOrDefault(r => r.Name == rubric)
            ?? throw new AtelierException($"the study has no scale '{rubric}'", Mention.Field("rubric"));
        if (_index.Find(item) is null)
            throw new AtelierException($"the study has no item '{item}'", Mention.Field("item"));
        if (value < scale.Lowest || value > scale.Highest)
            throw new AtelierException(
                FormattableString.Invariant($"{value} is not on the scale '{rubric}'"), Mention.Field("value"),
                FormattableString.Invariant($"choose a whole number from {scale.Lowest} to {scale.Highest}"));
        reason = CheckDetails(seconds, reason);
        return _database.Write(() =>
        {
            CheckRater(rater);
            if (_database.Select("SELECT id FROM scale_answers WHERE rater = $rater AND item = $item "
                + "AND rubric = $rubric", reader => reader.GetInt64(0),
                ("$rater", rater), ("$item", item), ("$rubric", rubric)).Count > 0)
                throw Again();
            DateTimeOffset now = _clock.GetUtcNow();
            long id = _database.Insert("""
                INSERT INTO scale_answers (rater, item, rubric, value, reason, seconds, time)
                VALUES ($rater, $item, $rubric, $value, $reason, $seconds, $time)
                """, ("$rater", rater), ("$item", item), ("$rubric", rubric), ("$value", value), ("$reason", reason),
                ("$seconds", seconds), ("$time", Text(now)));
            return new ScaleAnswer(id, rater, item, rubric, value, reason, seconds, now);
        });
    }

    /// <summary>Removes the last answer of a rater.</summary>
    /// <param name="rater">The id of the rater.</param>
    /// <returns>Whether there was an answer to remove.</returns>
    /// <exception cref="AtelierException">The store is damaged or busy.</exception>
    public bool Undo(long rater)
    {
        string table = Study.Kind == StudyKind.Pairwise ? "pair_answers" : "scale_answers";
        return _database.Write(() => _database.Execute(
            $"DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table} WHERE rater = $rater)",
            ("$rater", rater))) > 0;
    }

    /// <summary>Returns all answers to pairs in the order in which they were added.</summary>
    /// <exception cref="AtelierException">The store is damaged or busy.</exception>
    public IReadOnlyList<PairAnswer> PairAnswers() =>
        _database.Select($"SELECT {PairColumns} FROM pair_answers ORDER BY id", ReadPair);

    /// <summary>Returns all values on scales in the order in which they were added.</summary>
    /// <exception cref="AtelierException">The store is damaged or busy.</exception>
    public IReadOnlyList<ScaleAnswer> ScaleAnswers() =>
        _database.Select($"SELECT {ScaleColumns} FROM scale_answers ORDER BY id", ReadScale);

    /// <summary>Closes the file.</summary>
    public void Dispose() => _database.Dispose();

    private CheckKind Recognise(long rater, string left, string right)
    {
        ItemPair pair = ItemPair.Of(left, right);
        bool isCheck = _index.Check(pair) is not null;
        if (!isCheck && !_index.IsRated(pair))
            throw new AtelierException($"'{left}' and '{right}' are not a pair of this study",
                Mention.Field("left"), "answer the pair that was asked");
        IReadOnlyList<string> shownLeft = _database.Select("""
            SELECT left_item FROM pair_answers WHERE rater = $rater
            AND (left_item = $left AND right_item = $right OR left_item = $right AND right_item = $left)
            """, reader => reader.GetString(0), ("$rater", rater), ("$left", left), ("$right", right));
        return shownLeft switch
        {
            [] => isCheck ? CheckKind.KnownWorse : CheckKind.None,
            [string once] when !isCheck && once != left && Study.CheckEvery > 0 => CheckKind.Repeat,
            _ => throw Again(),
        };
    }

    private void CheckRater(long rater)
    {
        if (_database.Select("SELECT id FROM raters WHERE id = $rater", reader => reader.GetInt64(0),
            ("$rater", rater)).Count == 0)
            throw new AtelierException(FormattableString.Invariant($"there is no rater {rater}"),
                Mention.Field("rater"), "add the rater first");
    }

    private static string? CheckDetails(double seconds, string? reason)
    {
        if (!double.IsFinite(seconds) || seconds < 0)
            throw new AtelierException("the time taken is not a number of seconds", Mention.Field("seconds"),
                "give 0 or more");
        if (reason?.Length > LongestReason)
            throw new AtelierException($"the reason is longer than {LongestReason} characters",
                Mention.Field("reason"), "shorten it");
        return string.IsNullOrWhiteSpace(reason) ? null : reason;
    }

    private static AtelierException Again() =>
        new("the rater has answered this question before", hint: "undo the last answer to change it");

    // The token has 256 random bits, so that a plain hash cannot be inverted by guessing.
    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private static Rater ReadRater(SqliteDataReader reader) =>
        new(reader.GetInt64(0), reader.GetString(1), Time(reader.GetString(2)));

    private PairAnswer ReadPair(SqliteDataReader reader)
    {
        var answer = new PairAnswer(reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2), reader.GetString(3),
            Read<PairChoice>(reader.GetString(4)), Read<CheckKind>(reader.GetString(5)), Optional(reader, 6),
            reader.GetDouble(7), Time(reader.GetString(8)));
        bool isKnown = answer.Check == CheckKind.KnownWorse
            ? _index.Check(answer.Pair) is not null : _index.IsRated(answer.Pair);
        return isKnown ? answer : throw new FormatException("an answer is about a pair that the study does not have");
    }

    private ScaleAnswer ReadScale(SqliteDataReader reader)
    {
        var answer = new ScaleAnswer(reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2), reader.GetString(3),
            reader.GetInt32(4), Optional(reader, 5), reader.GetDouble(6), Time(reader.GetString(7)));
        return _index.Find(answer.Item) is not null && Study.Rubrics.Any(rubric => rubric.Name == answer.Rubric)
            ? answer : throw new FormatException("a value is about an item or a scale that the study does not have");
    }

    private static string? Optional(SqliteDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetString(column);

    private static T Read<T>(string name)
        where T : struct, Enum => Enum.TryParse(name, out T value) && Enum.IsDefined(value) ? value
            : throw new FormatException($"'{name}' is not a {typeof(T).Name}");

    private static string Text(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.ParseExact(text, "O", CultureInfo.InvariantCulture);
}
