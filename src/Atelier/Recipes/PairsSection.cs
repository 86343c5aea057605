using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>Options for reading pairs of texts.</summary>
public sealed record PairsSection
{
    /// <summary>
    /// The column of a table that holds the sources: its name, or its number from 1. Null takes the first column of
    /// text.
    /// </summary>
    public string? SourceColumn { get; init; }

    /// <summary>
    /// The column of a table that holds the targets: its name, or its number from 1. Null takes the next column of
    /// text.
    /// </summary>
    public string? TargetColumn { get; init; }

    /// <summary>
    /// The language of the sources in files that are named for languages: "en" for train.en.gz. Null takes the first of
    /// two languages in alphabetical order, or the first of two files in data.source.
    /// </summary>
    public string? SourceLanguage { get; init; }

    /// <summary>The language of the targets in files that are named for languages. Null takes the other one.</summary>
    public string? TargetLanguage { get; init; }

    /// <summary>Whether sources and targets are swapped, after columns and languages were selected.</summary>
    public bool Reverse { get; init; }

    /// <summary>
    /// A text that is inserted before every source, such as "translate English to German: ", and which the model then
    /// inserts itself. A file of several tasks has it in its sources instead (Raffel et al. 2020, section 2.4).
    /// </summary>
    public string Prefix { get; init; } = "";

    /// <summary>
    /// The largest number of tokens of a source or target, without special tokens. Longer pairs are left out of all
    /// parts.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxLength { get; init; } = 256;

    /// <summary>
    /// The largest ratio of the numbers of tokens of the longer and the shorter side. Pairs above it are left out of
    /// the training part. Null leaves out none.
    /// </summary>
    [Range(1.0, 1_000_000.0)]
    public double? MaxRatio { get; init; }

    /// <summary>
    /// Whether one tokenizer is trained on both sides and shared by them. Otherwise each side gets a tokenizer of its
    /// own.
    /// </summary>
    public bool SharedVocabulary { get; init; } = true;

    /// <summary>
    /// The probability of leaving out a merge when training texts are tokenized, anew in each epoch, so that the model
    /// sees words in different pieces (BPE-dropout: Provilkov et al. 2020, who use 0.1). It helps with little data, and
    /// needs a BPE tokenizer. Batches hold somewhat more tokens than training.batchTokens then.
    /// </summary>
    [Range(0.0, 1.0)]
    public double BpeDropout { get; init; }
}
