using System.Buffers.Binary;
using Atelier.Data.Text;
using Atelier.Formats;
using Atelier.Recipes;

namespace Atelier.Benchmarks;

/// <summary>One training through the whole trainer, timed step by step.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="UsualSteps">Steps of a timing.</param>
/// <param name="Tokenizer">How Tiny Shakespeare becomes tokens.</param>
/// <param name="Model">What is taught.</param>
/// <param name="BatchSize">Rows in a batch.</param>
internal sealed record TrainingWork(string Name, int UsualSteps, TokenizerSection Tokenizer, ModelSection Model,
    int BatchSize)
{
    public int Steps => TimedTraining.Steps(UsualSteps);

    /// <summary>The training part's token ids for the peer, 16 bits each.</summary>
    public string IdsPath => Path.Combine(Folder, "train.ids");

    private string Folder => Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}", Name);

    /// <summary>Makes the tokens once for both sides, before any of them is measured.</summary>
    public void Prepare()
    {
        if (File.Exists(IdsPath))
            return;
        string text = BenchmarkData.Find("tinyshakespeare", "input.txt");
        Directory.CreateDirectory(Folder);
        var section = new DataSection
        {
            Source = text, Tokenizer = Tokenizer,
                Split = new() { Train = 0.9, Validation = 0.1, Test = 0, Shuffle = false },
        };
        using TextData data = TextData.Prepare(section, seed: 1, Folder);
        var ids = new int[data.Train.Count];
        data.Train.Read(0, ids);
        var bytes = new byte[2 * ids.Length];
        for (int i = 0; i < ids.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), checked((ushort)ids[i]));
        AtomicFile.Write(IdsPath, stream => stream.Write(bytes));
    }

    /// <summary>
    /// Trains, and tells the median speed of the last two thirds and the mean loss of the last tenth.
    /// </summary>
    public Measurement Run() => Run(null);

    /// <summary>The same.</summary>
    /// <param name="look">Called about fifty times on the way, with the step.</param>
    public Measurement Run(Action<long>? look)
    {
        var recipe = new Recipe { Name = Name, Model = Model,
            Training = TimedTraining.Section(Steps) with { BatchSize = BatchSize } };
        using TextData data = TextData.Open(Folder);
        return TimedTraining.Run(recipe, data, look);
    }
}
