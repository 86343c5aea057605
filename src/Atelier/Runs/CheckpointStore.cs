using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Atelier.Formats;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Runs;

/// <summary>
/// Stores the checkpoints of a run, each in a folder checkpoints/step-N with safetensors files, state.json and
/// checksums.json. A folder gets this name only when it is complete; the checksums detect later changes.
/// </summary>
internal sealed class CheckpointStore(string folder)
{
    private const string Prefix = "step-", StateFile = "state.json", ChecksumFile = "checksums.json";
    private const int Kept = 2;

    /// <summary>What the name of the field of a property holds.</summary>
    internal const string FieldName = "k__BackingField";

    private static readonly JsonSerializerOptions Json =
        new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>The steps of all checkpoints, damaged or not, newest first.</summary>
    public IReadOnlyList<long> Steps => !Directory.Exists(folder) ? []
        : [.. Directory.EnumerateDirectories(folder, Prefix + "*").Select(StepOf).OfType<long>().OrderDescending()];

    /// <summary>Returns the folder of the checkpoint of a step.</summary>
    public string FolderOf(long step) => Path.Combine(folder, $"{Prefix}{step}");

    /// <summary>
    /// Writes a checkpoint completely or not at all, then removes all checkpoints but the last two and the best.
    /// </summary>
    /// <param name="state">The state of the run.</param>
    /// <param name="files">The tensors of each file, by file name.</param>
    /// <exception cref="AtelierException">The disk is full, or the folder cannot be written. Earlier checkpoints are
    /// kept.</exception>
    public void Save(TrainingState state, IReadOnlyDictionary<string, IReadOnlyDictionary<string, Tensor>> files)
    {
        string temporary = Path.Combine(folder, $".{Prefix}{state.Step}.partial"), final = FolderOf(state.Step);
        try
        {
            RemoveLeftovers();
            Directory.CreateDirectory(temporary);
            foreach ((string name, IReadOnlyDictionary<string, Tensor> tensors) in files)
                TensorFiles.Write(Path.Combine(temporary, name), tensors);
            AtomicFile.WriteText(Path.Combine(temporary, StateFile), JsonSerializer.Serialize(state, Json));
            var checksums = Directory.EnumerateFiles(temporary).Order(StringComparer.Ordinal)
                .ToDictionary(path => Path.GetFileName(path)!, Checksum);
            AtomicFile.WriteText(Path.Combine(temporary, ChecksumFile), JsonSerializer.Serialize(checksums, Json));
            Remove(final); // exists if this checkpoint was damaged and the run resumed from an earlier one
            Directory.Move(temporary, final);
        }
        catch (Exception e) when (e is AtelierException or IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
            string left = Steps.Count > 0 ? $"; the checkpoint of step {Steps[0]} remains" : "";
            throw new AtelierException($"the checkpoint of step {state.Step} could not be saved: {e.Message}{left}",
                final, $"free some space, then continue with {Mention.Field("resume")}", e);
        }
        foreach (long old in Steps.Where(step => step <= state.Step).Skip(Kept).Where(step => step != state.BestStep))
            Remove(FolderOf(old));
    }

    /// <summary>Returns the state of the newest undamaged checkpoint; null if there are no checkpoints.</summary>
    /// <param name="tell">Receives a message for each damaged checkpoint that is skipped.</param>
    /// <exception cref="AtelierException">There are checkpoints, but all are damaged.</exception>
    public TrainingState? FindNewest(Action<string> tell)
    {
        AtelierException? damage = null;
        foreach (long step in Steps)
        {
            try
            {
                return Verify(step);
            }
            catch (AtelierException e)
            {
                damage = e;
                tell($"{e.ToLine()}; using the checkpoint before it");
            }
        }
        return damage is null ? null : throw new AtelierException("all checkpoints are damaged", folder,
            "delete the folder to start again, or restore the files from a copy", damage);
    }

    /// <summary>Verifies the checksum of each file of a checkpoint, and returns its state.</summary>
    /// <exception cref="AtelierException">A file is missing, truncated or altered.</exception>
    public TrainingState Verify(long step)
    {
        string checkpoint = FolderOf(step);
        try
        {
            byte[] json = File.ReadAllBytes(Path.Combine(checkpoint, ChecksumFile));
            var checksums = JsonSerializer.Deserialize<Dictionary<string, string>>(json, Json);
            if (checksums is null || !checksums.ContainsKey(StateFile))
                throw Damaged(checkpoint, $"{ChecksumFile} does not list {StateFile}");
            foreach ((string name, string checksum) in checksums)
            {
                string path = Path.Combine(checkpoint, Path.GetFileName(name));
                if (!File.Exists(path))
                    throw Damaged(checkpoint, $"{name} is missing");
                if (Checksum(path) != checksum)
                    throw Damaged(checkpoint, $"{name} is truncated or was modified");
            }
            byte[] state = File.ReadAllBytes(Path.Combine(checkpoint, StateFile));
            return JsonSerializer.Deserialize<TrainingState>(state, Json)
                ?? throw Damaged(checkpoint, $"{StateFile} is empty");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw Damaged(checkpoint, e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>Copies the tensors of a checkpoint's file into the given tensors.</summary>
    /// <exception cref="AtelierException">The names or shapes differ: the checkpoint is of another model.</exception>
    public void Restore(long step, string file, IReadOnlyDictionary<string, Tensor> tensors)
    {
        string path = Path.Combine(FolderOf(step), file);
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        IReadOnlyDictionary<string, Tensor> saved = File.Exists(path)
            ? TensorFiles.Read(path)
            : throw OfAnother(path, "it is missing");
        foreach (Tensor tensor in saved.Values)
            scope.Attach(tensor);
        // checkpoints of earlier versions also have tensors under the names of fields
        if (saved.Keys.Except(tensors.Keys).FirstOrDefault(name => !name.Contains(FieldName, StringComparison.Ordinal))
            is { } surplus)
            throw OfAnother(path, $"the model has no tensor '{surplus}'");
        foreach ((string name, Tensor tensor) in tensors)
        {
            if (!saved.TryGetValue(name, out Tensor? value))
                throw OfAnother(path, $"there is no tensor '{name}'");
            if (!value.shape.AsSpan().SequenceEqual(tensor.shape))
                throw OfAnother(path,
                    $"tensor '{name}' is [{string.Join(", ", value.shape)}], the model's is "
                        + $"[{string.Join(", ", tensor.shape)}]");
            tensor.copy_(value);
        }
    }

    private static AtelierException OfAnother(string path, string what) => new(what, path,
        "the checkpoint belongs to another recipe: restore the recipe's model and optimizer, or train into another "
            + $"folder with {Mention.Field("out")}");

    private static AtelierException Damaged(string checkpoint, string what, Exception? inner = null) =>
        new($"the checkpoint is damaged: {what}", checkpoint, inner: inner);

    private static long? StepOf(string path)
    {
        ReadOnlySpan<char> number = Path.GetFileName(path).AsSpan(Prefix.Length);
        return long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : null;
    }

    private static string Checksum(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>Removes folders that a killed process left partly written or partly removed.</summary>
    private void RemoveLeftovers()
    {
        if (!Directory.Exists(folder))
            return;
        foreach (string path in Directory.EnumerateDirectories(folder, "." + Prefix + "*"))
            Directory.Delete(path, recursive: true);
    }

    /// <summary>
    /// Removes a checkpoint after renaming it, so that a process that is killed meanwhile does not leave a part of one.
    /// </summary>
    private void Remove(string path)
    {
        if (!Directory.Exists(path))
            return;
        string leaving = Path.Combine(folder, $".{Path.GetFileName(path).TrimStart('.')}.removed");
        Directory.Move(path, leaving);
        Directory.Delete(leaving, recursive: true);
    }
}
