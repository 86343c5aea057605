using System.Buffers.Binary;
using System.Globalization;
using Atelier.Data;
using Atelier.Data.Pairs;
using Atelier.Data.Text;
using Atelier.Formats;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Tasks;

namespace Atelier.Benchmarks;

/// <summary>One training through the whole trainer, timed step by step.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="UsualSteps">Steps of a timing.</param>
/// <param name="Data">What is read, and how it becomes tokens; its source lies in the folder ATELIER_DATA.</param>
/// <param name="Model">What is taught.</param>
/// <param name="Training">The batches, the loss and the update.</param>
internal sealed record TrainingWork(string Name, int UsualSteps, DataSection Data, ModelSection Model,
    TrainingSection Training)
{
    public int Steps => TimedTraining.Steps(UsualSteps);

    /// <summary>
    /// The training part's token ids for the peer: of text 16 bits each, of pairs a line with a tab between the sides.
    /// </summary>
    public string IdsPath => Path.Combine(Folder, "train.ids");

    private string Folder => Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}", Name);

    private Recipe Recipe => new() { Name = Name, Data = Data, Model = Model };

    private ITask Task => ModelFamilies.All.Single(family => family.Name == Model.Family).Tasks[0];

    /// <summary>Tiny Shakespeare, whose last tenth is not trained on.</summary>
    public static DataSection Shakespeare(TokenizerSection tokenizer) => new()
    {
        Source = Path.Combine("tinyshakespeare", "input.txt"), Tokenizer = tokenizer,
        Split = new() { Train = 0.9, Validation = 0.1, Test = 0, Shuffle = false },
    };

    /// <summary>Makes the tokens once for both sides, before any of them is measured.</summary>
    public void Prepare()
    {
        if (File.Exists(IdsPath))
            return;
        Directory.CreateDirectory(Folder);
        Recipe found = Recipe with { Data = Data with { Source = BenchmarkData.Find(Data.Source) } };
        using IDataSource data = Task.Prepare(found, Folder, progress: null, CancellationToken.None);
        if (data is PairData pairs)
            AtomicFile.WriteText(IdsPath, Lines(pairs.Train));
        else
            AtomicFile.Write(IdsPath, stream => stream.Write(Ids(((TextData)data).Train)));
    }

    /// <summary>
    /// Trains, and tells the median speed of the last two thirds and the mean loss of the last tenth.
    /// </summary>
    public Measurement Run() => Run(null);

    /// <summary>The same.</summary>
    /// <param name="look">Called about fifty times on the way, with the step.</param>
    public Measurement Run(Action<long>? look)
    {
        using IDataSource data = Task.Open(Folder);
        return TimedTraining.Run(Recipe with { Training = TimedTraining.Section(Steps, Training) }, data, look);
    }

    private static byte[] Ids(TokenFile file)
    {
        var ids = new int[file.Count];
        file.Read(0, ids);
        var bytes = new byte[2 * ids.Length];
        for (int i = 0; i < ids.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), checked((ushort)ids[i]));
        return bytes;
    }

    private static string Lines(PairFile file)
    {
        static string Side(ReadOnlyMemory<int> ids) =>
            string.Join(' ', ids.ToArray().Select(id => id.ToString(CultureInfo.InvariantCulture)));
        return string.Concat(Enumerable.Range(0, file.Count)
            .Select(i => $"{Side(file.Source(i))}\t{Side(file.Target(i))}\n"));
    }
}
