using System.Text;
using System.Text.Json;
using Atelier.Formats;
using Atelier.Runs;
using Atelier.Tensors.Ranks;

namespace Atelier.Training;

/// <summary>
/// Writes the metrics of a run: for each report a line of metrics.jsonl and events for TensorBoard. Of several ranks,
/// only the first writes.
/// </summary>
internal sealed class TrainingLog : IDisposable
{
    private readonly Run _run;
    private readonly IReadOnlyDictionary<string, double> _references;
    private readonly List<(long Step, double Value)> _training = [], _validation = [];
    private readonly FileStream? _stream; // null on ranks that do not write
    private readonly EventFile? _events;

    /// <summary>
    /// Continues the log after a step. Lines of later steps, which an earlier session wrote, are removed, because these
    /// steps are repeated.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="step">The step after which the run continues.</param>
    /// <param name="references">Reference values of the loss, which the plot shows.</param>
    public TrainingLog(Run run, long step, IReadOnlyDictionary<string, double> references)
    {
        (_run, _references) = (run, references);
        if (!run.Ranks.Leads())
            return;
        if (File.Exists(run.MetricsPath))
        {
            string[] kept = [.. File.ReadLines(run.MetricsPath).Where(line => TakeIn(line, step))];
            AtomicFile.WriteText(run.MetricsPath, string.Concat(kept.Select(line => line + "\n")));
        }
        Directory.CreateDirectory(run.Folder);
        _stream = new FileStream(run.MetricsPath, FileMode.Append, FileAccess.Write, FileShare.Read);
        _events = new EventFile(Path.Combine(run.Folder, "tensorboard"));
    }

    /// <summary>The last training loss and the last validation loss; null if there are none.</summary>
    public (double? Training, double? Validation) Last =>
        (_training.Count > 0 ? _training[^1].Value : null, _validation.Count > 0 ? _validation[^1].Value : null);

    /// <summary>Returns whether the model was evaluated on the validation data after a step.</summary>
    public bool IsMeasured(long step) => _validation.Count > 0 && _validation[^1].Step == step;

    /// <summary>Writes the metrics of a step.</summary>
    public void Write(long step, IReadOnlyDictionary<string, double> values)
    {
        var line = new StringBuilder().Append("{\"step\":").Append(JsonSerializer.Serialize(step));
        // JSON cannot represent infinity or NaN.
        foreach ((string name, double value) in values.Where(pair => double.IsFinite(pair.Value)))
            line.Append(',').Append(JsonSerializer.Serialize(name)).Append(':').Append(JsonSerializer.Serialize(value));
        _stream?.Write(Encoding.UTF8.GetBytes(line.Append("}\n").ToString()));
        _stream?.Flush();
        _events?.Write(step, values);
        Keep(step, values);
    }

    /// <summary>Writes the sample of a step for TensorBoard, if it is an image.</summary>
    /// <param name="step">The step.</param>
    /// <param name="sample">The sample.</param>
    public void Write(long step, TrainingSample sample)
    {
        if (Path.GetExtension(sample.File) == ".png")
            _events?.WritePicture(step, "samples", File.ReadAllBytes(sample.File));
    }

    /// <summary>Plots the losses so far.</summary>
    public void Plot()
    {
        if (_run.Ranks.Leads())
            LossPlot.Save(Path.Combine(_run.PlotFolder, "loss.png"), _training, _validation, _references);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream?.Dispose();
        _events?.Dispose();
    }

    /// <summary>
    /// Reads a line of an earlier session. Returns false if it belongs to a later step, or is incomplete because the
    /// process was killed.
    /// </summary>
    private bool TakeIn(string line, long step)
    {
        try
        {
            var values = JsonSerializer.Deserialize<Dictionary<string, double>>(line) ?? [];
            if (!values.TryGetValue("step", out double of) || of > step)
                return false;
            Keep((long)of, values);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private void Keep(long step, IReadOnlyDictionary<string, double> values)
    {
        if (values.TryGetValue("loss", out double loss))
            _training.Add((step, loss));
        if (values.TryGetValue("validationLoss", out double validation))
            _validation.Add((step, validation));
    }
}
