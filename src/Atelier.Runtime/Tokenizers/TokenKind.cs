namespace Atelier.Tokenizers;

/// <summary>The kinds of tokens in SentencePiece's files and in llama.cpp's, with the numbers of both.</summary>
internal enum TokenKind
{
    /// <summary>Text.</summary>
    Normal = 1,

    /// <summary>What stands for text without a token.</summary>
    Unknown = 2,

    /// <summary>A token that no text produces, such as the end of a text.</summary>
    Control = 3,

    /// <summary>Text that is found before any other.</summary>
    UserDefined = 4,

    /// <summary>A number without a token.</summary>
    Unused = 5,

    /// <summary>One byte, named as &lt;0xXX&gt;.</summary>
    Byte = 6,
}
