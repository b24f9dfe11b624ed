with

source as (

    select * from {{ source("policy", "document") }}

),

renamed as (

    select
        document_id,
        title as document_title,
        number as document_number,
        issuer,
        department,
        published_on,
        uri as document_uri,
        origin
    from source

)

select * from renamed
