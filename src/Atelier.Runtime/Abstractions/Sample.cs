using System.Text.Json.Nodes;

namespace Atelier.Abstractions;

/// <summary>A sample that a model generated.</summary>
public abstract record Sample
{
    /// <summary>
    /// The natural logarithm of the sample's probability under the model, in nats; null if the model does not define
    /// one.
    /// </summary>
    public double? LogProbability { get; init; }

    /// <summary>The sample as text for people to read.</summary>
    public abstract string Shown { get; }

    /// <summary>Returns the sample as JSON for programs, with its log-probability.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject();
        Write(json);
        json["logProbability"] = LogProbability is { } known && double.IsFinite(known) ? known : null;
        return json;
    }

    /// <summary>Writes the properties of this kind of sample.</summary>
    protected abstract void Write(JsonObject json);
}

/// <summary>A generated text.</summary>
/// <param name="Text">The generated text, without the prompt.</param>
public sealed record TextSample(string Text) : Sample
{
    /// <summary>The tokens of the text, each with its log-probability.</summary>
    public IReadOnlyList<TokenChoice> Tokens { get; init; } = [];

    /// <summary>The counts of speculative decoding; zero if it was not used.</summary>
    public SpeculationCounts Speculation { get; init; }

    /// <summary>The finish reason: "end" (the model ended the text), "stop" (a stop string) or "length".</summary>
    public string FinishReason { get; init; } = "length";

    /// <summary>
    /// The attention of the text's tokens to the tokens of the source; null if the request did not ask for it.
    /// </summary>
    public TokenAlignments? Alignments { get; init; }

    /// <inheritdoc/>
    public override string Shown => Text;

    /// <inheritdoc/>
    protected override void Write(JsonObject json)
    {
        json["text"] = Text;
        json["finishReason"] = FinishReason;
        if (Speculation.AcceptanceRate is double rate)
        {
            json["speculation"] = new JsonObject
            {
                ["proposed"] = Speculation.Proposed,
                ["accepted"] = Speculation.Accepted,
                ["acceptanceRate"] = rate,
            };
        }
        if (Alignments is not null)
            json["alignments"] = Alignments.ToJson();
    }
}

/// <summary>The attention that each token of a target paid to each token of its source.</summary>
/// <param name="Source">The names of the source's tokens in the vocabulary, including special tokens.</param>
/// <param name="Target">The names of the generated tokens, including the end token.</param>
/// <param name="Weights">The attention with which each target token was predicted, averaged over heads: for each
/// target token, one number from 0 to 1 for each source token, which sum to 1.</param>
public sealed record TokenAlignments(IReadOnlyList<string> Source, IReadOnlyList<string> Target,
    IReadOnlyList<ReadOnlyMemory<float>> Weights)
{
    internal JsonObject ToJson() => new()
    {
        ["source"] = new JsonArray([.. Source.Select(name => (JsonNode)name)]),
        ["target"] = new JsonArray([.. Target.Select(name => (JsonNode)name)]),
        ["weights"] = new JsonArray([.. Weights.Select(row =>
            (JsonNode)new JsonArray([.. row.ToArray().Select(weight => (JsonNode)weight)]))]),
    };
}

/// <summary>A generated row of a table.</summary>
/// <param name="Columns">The columns' names.</param>
/// <param name="Values">The value of each column.</param>
public sealed record RowSample(IReadOnlyList<string> Columns, IReadOnlyList<CellValue> Values) : Sample
{
    /// <summary>
    /// For an approximate draw: the effective number of rows it was chosen from. Null for an exact draw.
    /// </summary>
    public double? EffectiveRows { get; init; }

    /// <inheritdoc/>
    public override string Shown => string.Join(", ", Columns.Zip(Values, (name, value) => $"{name}={value}"));

    /// <inheritdoc/>
    protected override void Write(JsonObject json)
    {
        json["row"] = CellValue.Row(Columns, Values);
        json["exact"] = EffectiveRows is null;
        if (EffectiveRows is { } effective)
            json["effectiveRows"] = effective;
    }
}

/// <summary>A sentence with a tag for each word.</summary>
/// <param name="Words">The words.</param>
/// <param name="Tags">The tag of each word.</param>
public sealed record TaggedSample(IReadOnlyList<string> Words, IReadOnlyList<string> Tags) : Sample
{
    /// <summary>The sentence as a block of CoNLL-U; null if the tagger does not write this format.</summary>
    public string? Conllu { get; init; }

    /// <inheritdoc/>
    public override string Shown => string.Join(' ', Words.Zip(Tags, (word, tag) => $"{word}/{tag}"));

    /// <inheritdoc/>
    protected override void Write(JsonObject json)
    {
        json["text"] = string.Join(' ', Words);
        json["words"] = new JsonArray([.. Words.Select(word => (JsonNode)word)]);
        json["tags"] = new JsonArray([.. Tags.Select(tag => (JsonNode)tag)]);
    }
}

/// <summary>A text with its most probable label.</summary>
/// <param name="Text">The text.</param>
/// <param name="Label">The most probable label.</param>
/// <param name="Probabilities">The probability of each label, 0 to 1.</param>
public sealed record LabelledSample(string Text, string Label,
    IReadOnlyList<(string Label, double Probability)> Probabilities) : Sample
{
    private const int LongestShown = 200;

    /// <inheritdoc/>
    public override string Shown => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{Label} ({Probabilities.First(each => each.Label == Label).Probability:0.000}): {Beginning}");

    private string Beginning =>
        (Text.Length > LongestShown ? Text[..LongestShown] + "…" : Text).ReplaceLineEndings(" ");

    /// <inheritdoc/>
    protected override void Write(JsonObject json)
    {
        json["text"] = Text;
        json["label"] = Label;
        json["probabilities"] = new JsonObject(Probabilities.Select(each =>
            KeyValuePair.Create<string, JsonNode?>(each.Label, each.Probability)));
    }
}

/// <summary>A generated time series with its hidden states.</summary>
/// <param name="Columns">The columns' names.</param>
/// <param name="Rows">The values of the columns at each time step.</param>
/// <param name="States">The hidden state at each time step; empty if the model has none.</param>
public sealed record SeriesSample(IReadOnlyList<string> Columns, IReadOnlyList<double[]> Rows,
    IReadOnlyList<string> States) : Sample
{
    /// <inheritdoc/>
    public override string Shown => string.Join('\n', Rows.Select((row, time) =>
        string.Join(',', row.Select(value => value.ToString("R", System.Globalization.CultureInfo.InvariantCulture)))
            + (States.Count > 0 ? $"  ({States[time]})" : "")));

    /// <inheritdoc/>
    protected override void Write(JsonObject json)
    {
        json["rows"] = new JsonArray([.. Rows.Select(RowToJson)]);
        if (States.Count > 0)
            json["states"] = new JsonArray([.. States.Select(state => (JsonNode)state)]);

        JsonNode RowToJson(double[] row) => CellValue.Row(Columns, [.. row.Select(value => new CellValue(value))]);
    }
}

/// <summary>A generated image.</summary>
/// <param name="Width">The width in pixels.</param>
/// <param name="Height">The height in pixels.</param>
/// <param name="Channels">1 for greyscale, 3 for RGB.</param>
/// <param name="Pixels">The pixels, [Height, Width, Channels], from the top row, 0 to 255.</param>
public sealed record ImageSample(int Width, int Height, int Channels, ReadOnlyMemory<byte> Pixels) : Sample
{
    /// <summary>The class it was generated for; null for none.</summary>
    public string? Class { get; init; }

    /// <summary>The path of the file it was saved to; null if it was not saved.</summary>
    public string? File { get; init; }

    /// <inheritdoc/>
    public override string Shown =>
        File ?? $"an image of {Width} × {Height}{(Class is null ? "" : $", class {Class}")}";

    /// <inheritdoc/>
    protected override void Write(JsonObject json)
    {
        json["file"] = File;
        json["class"] = Class;
    }
}

/// <summary>A generated sound.</summary>
/// <param name="SampleRate">Frames per second. A frame is one sample of each channel.</param>
/// <param name="Channels">1 for mono, 2 for stereo.</param>
/// <param name="Samples">The samples, [Channels, frames], full scale from −1 to 1.</param>
public sealed record AudioSample(int SampleRate, int Channels, ReadOnlyMemory<float> Samples) : Sample
{
    /// <summary>The class it was generated for; null for none.</summary>
    public string? Class { get; init; }

    /// <summary>The path of the file it was saved to; null if it was not saved.</summary>
    public string? File { get; init; }

    /// <summary>How the sound that was generated compares with the given one that it continues; null for
    /// none.</summary>
    public SoundContinuation? Continuation { get; init; }

    /// <summary>The length in seconds.</summary>
    public double Seconds => (double)Samples.Length / Channels / SampleRate;

    /// <inheritdoc/>
    public override string Shown => File ?? string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"a sound of {Seconds:0.###} s at {SampleRate} Hz{(Class is null ? "" : $", class {Class}")}");

    /// <inheritdoc/>
    protected override void Write(JsonObject json)
    {
        json["file"] = File;
        json["class"] = Class;
        json["seconds"] = Seconds;
        if (Continuation is { } continuation)
            json["continuation"] = continuation.ToJson();
    }
}
